"""The package from Python: ``from latent_nas import Study``. What the command line does, without it.

study = Study(task="digits", device="stm32f405", limits={"flash_kb": 32, "ram_kb": 16, "latency_ms": 5})
result = study.run(trainings=24)
print(result.best.measured_exported_int8["accuracy"], result.best.flash_bytes)
result.export("best.onnx")
"""
