"""On which kind of device a search or a validation trains."""

from latent_nas import accelerator, plugins


def trained_on(name: str, measure: str, ray: str = "") -> str:
    """Return the kind of device on which networks are trained.

    Args:
        name: of ``accelerator``. measure: the evaluator. ray: address of a cluster that trains, or "". What
            it has, it says itself.

    Raises:
        ValueError: no such accelerator, none here, or the evaluator trains on the CPU alone.
    """
    if not plugins.load("evaluators", measure).accelerated:
        if accelerator.check(name) not in (accelerator.AUTO, accelerator.CPU):
            raise ValueError(f"evaluator {measure!r} trains on the CPU alone; leave --accelerator {name} away")
        return accelerator.CPU
    elsewhere = ray not in ("", "local") and name != accelerator.AUTO
    return accelerator.check(name) if elsewhere else accelerator.resolve(name)
