"""Networks in formats that are not read: the command that makes a file of each that is."""

from pathlib import Path

KERAS = (
    "python -c \"import pathlib, tensorflow as tf; m = {load}; pathlib.Path('{stem}.tflite').write_bytes(m.convert())\""
)
MODEL = "tf.lite.TFLiteConverter.from_keras_model(tf.keras.models.load_model('{file}'))"
SAVED = "tf.lite.TFLiteConverter.from_saved_model('{file}')"
TORCH = (
    'torch.onnx.export(model.eval(), (example_input,), "{stem}.onnx") where the model is defined, or from Python'
    " latent_nas.cost(model, input_shape)"
)
SCIKIT_LEARN = (
    'python -c "import joblib; from skl2onnx import to_onnx; from skl2onnx.common.data_types import FloatTensorType;'
    " m = joblib.load('{file}'); x = [('x', FloatTensorType([None, m.n_features_in_]))];"
    " open('{stem}.onnx', 'wb').write(to_onnx(m, initial_types=x, options={{'zipmap': False}}).SerializeToString())\""
)
COMMANDS = {  # by suffix
    **{suffix: (".tflite", KERAS.format(load=MODEL, stem="{stem}")) for suffix in (".h5", ".keras", ".hdf5")},
    **dict.fromkeys((".pt", ".pth", ".ckpt"), (".onnx", TORCH)),
    **dict.fromkeys((".joblib", ".pkl", ".pickle"), (".onnx", SCIKIT_LEARN)),
}


def command(path: Path) -> str | None:
    """Return what is to be said of a file or folder that has to be converted first, None of any other."""
    if path.is_dir():
        found = (".tflite", KERAS.format(load=SAVED, stem="{stem}")) if (path / "saved_model.pb").exists() else None
    else:
        found = COMMANDS.get(path.suffix.lower())
    if found is None:
        return None
    suffix, convert = found
    made = convert.format(file=path, stem=path.stem)
    return f"{path} can't be read; make a {suffix} file of it: {made}".replace("a .onnx", "an .onnx")
