# The program in an image: `docker build --tag=deepusps .`, see docs/deploy.md.
# Nothing is installed that the locks do not name with a hash.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS build
# requirements, or requirements-predict for an image that only predicts
ARG NEEDS=requirements
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# pydensecrf2 has no wheel.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements-build.lock ./
RUN python -m venv tools \
    && tools/bin/pip install --require-hashes --requirement=requirements-build.lock
COPY ${NEEDS}.lock ./
RUN tools/bin/pip wheel --require-hashes --no-deps --no-build-isolation \
    --wheel-dir=wheels --requirement=${NEEDS}.lock
COPY pyproject.toml requirements.txt README.md LICENSE ./
COPY configs configs
COPY data_prep data_prep
COPY deepusps_tf deepusps_tf
RUN tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir=wheels .
# The environment of the image, without pip.
RUN python -m venv --without-pip /opt/deepusps \
    && tools/bin/pip --python=/opt/deepusps/bin/python install --no-index --no-deps wheels/*.whl

FROM python:${PYTHON}-slim-bookworm
# Whoever runs the container, perhaps with --user, may write in these two folders and nowhere else.
RUN useradd --system --uid=10001 --no-create-home --home-dir=/cache --shell=/usr/sbin/nologin deepusps \
    && install --directory --owner=deepusps --mode=1777 /cache /data
COPY --from=build /opt/deepusps /opt/deepusps
ENV PATH=/opt/deepusps/bin:$PATH \
    HOME=/cache \
    XDG_CACHE_HOME=/cache \
    NUMBA_CACHE_DIR=/cache/numba \
    MPLCONFIGDIR=/cache/matplotlib \
    KERAS_HOME=/cache/keras
USER deepusps
WORKDIR /data
VOLUME ["/cache", "/data"]
ENTRYPOINT ["deepusps"]
CMD ["--help"]
