"""What people call the columns of tables: of answers, windows, groups and parts."""

import re
from collections.abc import Iterable

LABEL, TARGET = "label", "target"
ANSWERS = (  # further names of the column of classes or of a numeric target, as ``_plain`` spells them
    *("labels", "class", "classes", "classlabel", "activity", "activities", "activitylabel", "activityname"),
    *("labelname", "category", "gesture", "species", "targets", "activityid", "classid", "labelid", "classname"),
    *("groundtruth", "annotation", "motion", "movement", "fault", "diagnosis", "outcome", "variety", "posture"),
)
WINDOWS = (
    *("window", "windowid", "segment", "segmentid", "sequence", "sequenceid", "series", "seriesid", "sampleid"),
    *("measurementid", "trial", "trialid", "recording", "recordingid", "rec", "recid", "file", "filename", "id"),
)
GROUPS = (
    *(
        "subject",
        "subjectid",
        "subj",
        "proband",
        "participant",
        "participantid",
        "person",
        "personid",
        "volunteer",
        "user",
        "userid",
    ),
    *("patient", "patientid", "speaker", "speakerid", "operator", "wearer", "actor", "driver", "session", "sessionid"),
    *("deviceid", "recording", "recordingid", "rec", "recid", "file", "filename", "trial", "trialid"),
)
PARTS = ("part", "split", "subset", "partition", "fold")
SHOWN = 6  # names in a message


def plain(name: str) -> str:
    """Return a name without what people put between its words, as the names above are spelt."""
    return re.sub(r"[ _.\-]+", "", name.casefold())


def person(name: str) -> str:
    """Return the name of a group as it is spelt above, without what says that it is a number or a name of one."""
    return re.sub(r"(nr|no|num|number|name|code|index|idx)$", "", plain(name))


def some(names: Iterable[str]) -> str:
    """Return the first names for a message, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(map(repr, listed[:SHOWN])) + more
