"""Installs latent_nas, with the shipped records and models inside it."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "latent_nas/__init__.py").read_text(encoding="utf-8"))[1]

# On Linux and Windows the plain xgboost wheel brings several hundred MB of GPU code, xgboost-cpu does not. It
# has no wheel for macOS and rarer machines, where the plain one is small. Exactly one of the markers holds.
CPU_WHEEL = (
    "(sys_platform == 'linux' and (platform_machine == 'x86_64' or platform_machine == 'aarch64'))"
    " or (sys_platform == 'win32' and (platform_machine == 'AMD64' or platform_machine == 'ARM64'))"
)
NO_CPU_WHEEL = (
    "(sys_platform != 'linux' or (platform_machine != 'x86_64' and platform_machine != 'aarch64'))"
    " and (sys_platform != 'win32' or (platform_machine != 'AMD64' and platform_machine != 'ARM64'))"
)
MCU = ["ziglang>=0.13", "unicorn>=2.1"]  # a C cross compiler and a CPU emulator, both as wheels
TEXT = ["tokenizers>=0.20"]  # byte-pair vocabularies
DOCS = ["mkdocs-material>=9.5"]
TENSORBOARD = ["tensorboard>=2.16"]
ONNX = ["onnx>=1.16", "onnxruntime>=1.18"]
TFLITE = [  # the schema's classes and an interpreter; the one for microcontrollers, which has wheels for Linux alone
    "ai-edge-litert>=2.0",
    "flatbuffers>=24.3",
    "tflite-micro>=0.dev0; sys_platform == 'linux' and platform_machine == 'x86_64'",
]
MCP = ["mcp>=2"]  # the official server and client of the Model Context Protocol
RAY = ["ray>=2.40"]
DATA = [
    "soundfile>=0.12",
    "cbor2>=5.6",
    "pi-heif>=1.0",
]  # FLAC, OGG, MP3; Edge Impulse's exports; HEIC. WAV and JSON need nothing


# Shipped records and models lie at the top of the repository and become data of the package (latent_nas/shipped.py).
SHIPPED = {f"latent_nas._shipped.{folder}": folder for folder in ("datasets_arch", "pretrained")}

setup(
    name="latent_nas",
    version=VERSION,
    description="Finds neural networks that fit a microcontroller, in a learned latent space",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="latent_nas contributors",
    license_expression="MIT",
    license_files=["LICENSE"],
    keywords=["neural architecture search", "TinyML", "microcontroller", "Cortex-M", "int8", "VQ-VAE"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Operating System :: MacOS",
        "Programming Language :: C",
        "Programming Language :: Python :: 3 :: Only",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 14)),
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Software Development :: Embedded Systems",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=[*find_packages(include=["latent_nas*"]), *SHIPPED],
    package_dir=SHIPPED,
    # devices and runtimes are data plugins, kernels are C, the report's page has its style and script
    package_data={
        "": ["*.toml", "*.c", "*.h", "c/*", "c/*/*", "page/*.css", "page/*.js"],
        "latent_nas": ["py.typed"],
        "latent_nas.firmware": ["LICENSE"],
        **{package: ["**/*"] for package in SHIPPED},
    },
    entry_points={"console_scripts": ["latent-nas = latent_nas.cli:main"]},
    install_requires=[
        "torch>=2.4",
        "numpy>=1.26",
        "numba>=0.61",
        "scikit-learn>=1.6",
        "threadpoolctl>=3.1",
        f"xgboost-cpu>=3.0; {CPU_WHEEL}",
        f"xgboost>=3.0; {NO_CPU_WHEEL}",
        "stable-baselines3>=2.4",
        "gymnasium>=1.0",
        "networkx>=3.2",
        "optuna>=5",
        "pandas>=2.2",
        "pyarrow>=15",
        "plotly>=6",
        "safetensors>=0.4.3",
        "pooch>=1.8",
        "pillow>=10.3",
        "typer>=0.15",
        "rich>=13",
        "scipy>=1.12",
        "tomli>=2; python_version < '3.11'",  # later Pythons have tomllib
    ],
    extras_require={
        "test": [
            *("pytest>=8", "pytest-xdist>=3.5", "ruff", "mypy", "pandas-stubs", "types-networkx"),
            "setuptools>=77",  # builds the wheel that is tested
            "capstone>=5",  # a disassembler, to hold ours to
            "playwright>=1.49",  # drives the browser of the machine; brings none
            "nats-bench>=1.8",  # the program of a public table's authors, to hold our reading to
            "onnxscript>=0.5",  # torch's default exporter of ONNX, whose files are read
            *MCU,
            *ONNX,
            *TENSORBOARD,
            *DOCS,
            *TFLITE,
            *RAY,
            *TEXT,
            *DATA,
            *MCP,
        ],
        "mcu": MCU,
        "onnx": ONNX,
        "tensorboard": TENSORBOARD,
        "tflite": TFLITE,
        "ray": RAY,
        "text": TEXT,
        "data": DATA,
        "mcp": MCP,
        "docs": DOCS,
    },
)
