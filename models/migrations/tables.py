"""Every noun that has tables, imported so that the metadata knows them all."""

import models.access_token
import models.allowance
import models.attempt
import models.audit
import models.broadcast
import models.channel
import models.checkin
import models.conversation
import models.customer_message
import models.delivery
import models.finding
import models.follower
import models.inbox
import models.media
import models.notice
import models.operator
import models.points
import models.push
import models.rule_version
import models.schedule
import models.stock
import models.survey
import models.tally  # noqa: F401
