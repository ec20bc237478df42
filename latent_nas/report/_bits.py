"""What a report says where trainings of a search measure 8-bit weights, and costs are of fewer bits."""

from latent_nas.runs.read import Run


def mixed(run: Run) -> str:
    """Return which bits the figures of a search's trainings are of, in a sentence; "" where all is of 8 bits."""
    if run.weight_bits == 8 or not run.records:
        return ""
    return (
        f"Trainings of the search measure 8-bit weights; their costs, and the limits, are of {run.weight_bits}-bit"
        " weights, which only final networks have."
    )
