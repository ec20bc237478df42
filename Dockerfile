# Builds an image with the command latent-nas:
#   docker build -t latent_nas .
#   docker run --rm -v "$PWD/my_data:/data" latent_nas search --out runs/my_run
# Everything that a search reads and writes lies below /data.

FROM python:3.11-slim AS build
# The address of an index with CPU builds of torch. Without it, pip takes the default build: on Linux for x86 that one
# brings several GB of CUDA.
ARG TORCH_INDEX=""
ENV PATH=/opt/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/venv
COPY constraints.txt ./
RUN pip install -c constraints.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch
COPY LICENSE README.md pyproject.toml setup.py ./
COPY datasets_arch/ datasets_arch/
COPY pretrained/ pretrained/
COPY latent_nas/ latent_nas/
RUN pip install -c constraints.txt ".[mcu,onnx]"

FROM python:3.11-slim
COPY --from=build /opt/venv /opt/venv
# One thread per process: a search spreads its work over processes.
ENV PATH=/opt/venv/bin:$PATH OMP_NUM_THREADS=1 LATENT_NAS_DATA=/data/cache
RUN useradd --create-home --uid 1000 user && mkdir /data && chown user:user /data
USER user
WORKDIR /data
VOLUME /data
ENTRYPOINT ["latent-nas"]
CMD ["--help"]
