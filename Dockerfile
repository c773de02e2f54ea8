# Needs BuildKit (the default since Docker 23) for the script between <<EOF and EOF.
FROM python:3.13-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/yizhan
COPY requirements.lock pyproject.toml ./
RUN /opt/yizhan/bin/pip install --require-hashes -r requirements.lock

# The lock pins the tools of the tests too. What `dependencies` in pyproject.toml does not lead to is taken out again: 314 MB become 156.
# hadolint ignore=DL3059
RUN /opt/yizhan/bin/python <<'EOF'
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, distributions
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name

wanted = tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]
todo, keep = [Requirement(line) for line in wanted], {("pip", "")}
while todo:
    one = todo.pop()
    for extra in {"", *one.extras}:
        key = (canonicalize_name(one.name), extra)
        if key in keep or not (one.marker is None or one.marker.evaluate({"extra": ""})):
            continue
        keep.add(key)
        for below in map(Requirement, distribution(one.name).requires or ()):
            if below.marker is None or below.marker.evaluate({"extra": extra}):
                below.marker = None
                todo.append(below)
rest = {canonicalize_name(found.name) for found in distributions()} - {name for name, _ in keep}
subprocess.run([sys.executable, "-m", "pip", "uninstall", "--yes", "--quiet", *sorted(rest)], check=True)
subprocess.run([sys.executable, "-m", "pip", "check"], check=True)
EOF

# `yizhan …` is the command in the image.
RUN printf '#!/bin/sh\nexec /opt/yizhan/bin/python -m app "$@"\n' > /opt/yizhan/bin/yizhan \
    && chmod 755 /opt/yizhan/bin/yizhan


FROM python:3.13-slim

RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin yizhan \
    && mkdir /data /etc/yizhan \
    && chown yizhan: /data

COPY --from=build /opt/yizhan /opt/yizhan
COPY app /srv/yizhan/app
COPY handlers /srv/yizhan/handlers
COPY models /srv/yizhan/models
COPY scheduler /srv/yizhan/scheduler
COPY simulator /srv/yizhan/simulator
COPY wechat /srv/yizhan/wechat
COPY LICENSE config.yaml /srv/yizhan/
COPY pictures /srv/yizhan/pictures
COPY config.yaml /etc/yizhan/config.yaml
COPY pictures /etc/yizhan/pictures

# The database is on the volume wherever config.yaml lies; YIZHAN_DATABASE_URL may name another one. TZ is for the times that tools print.
ENV PATH=/opt/yizhan/bin:$PATH \
    PYTHONPATH=/srv/yizhan \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TZ=Asia/Shanghai \
    YIZHAN_CONFIG=/etc/yizhan/config.yaml \
    YIZHAN_DATABASE_URL=sqlite:////data/yizhan.db

USER 10001
WORKDIR /data
VOLUME ["/etc/yizhan", "/data"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=4s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
ENTRYPOINT ["yizhan"]
CMD ["serve", "--host", "0.0.0.0"]
