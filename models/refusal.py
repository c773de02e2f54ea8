"""The one way a rule says no: a code and its details, without words and without HTTP.

Exception
├── Refusal            a rule said no; caught once, in handlers.routing.dispatch, and worded there
├── PlatformError      WeChat said no (wechat.client)
├── BadSignature …     the outside is wrong (wechat.envelope)
├── BadConfig          config.yaml is wrong (app.config_file)
└── anything else      a bug: rolled back, one traceback in the log, a neutral answer
"""

from __future__ import annotations

import re


class Refusal(Exception):
    """Subclasses say what is the case (`AlreadyCheckedIn`); the details fill the placeholders of the operator's text."""

    def __init__(self, **details: object) -> None:
        super().__init__(type(self).__name__, details)
        self.details = details

    @property
    def code(self) -> str:
        """The key under `replies:` that words it: AlreadyCheckedIn is `already_checked_in`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()
