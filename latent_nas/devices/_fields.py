"""The fields of a device's file and of its regions."""

from typing import Any

from latent_nas.fields import ADDRESS, FLAG, NUMBER, TABLE, TEXT, check, tables

NEEDED = {
    "name": TEXT,
    "core": TEXT,
    "clock_mhz": NUMBER,
    "flash_kb": NUMBER,
    "regions": tables("{name, kb, address}"),
}
MORE = {"description": TEXT, "source": TEXT, "flash_address": ADDRESS, "qemu": TABLE, "lacks": TEXT}
MORE |= {"external_flash": FLAG, "power": TABLE, "boot": TEXT, "probe": TABLE}
REGION = {"name": TEXT, "kb": NUMBER, "address": ADDRESS}
POWER = {"mw": NUMBER, "error": NUMBER, "source": TEXT}
PROBE = {"pyocd": TEXT, "probe-rs": TEXT, "openocd": TEXT}
QEMU = {"machine": TEXT, "counter": ADDRESS}


def check_fields(table: dict[str, Any]) -> None:
    """Raise ValueError for a table of TOML that describes no device; the message names the first wrong field."""
    check(table, NEEDED, MORE)
    for number, region in enumerate(table["regions"], 1):
        try:
            check(region, REGION, {})
        except ValueError as error:
            raise ValueError(f"region {number}: {error}") from None
    if "qemu" in table:
        check(table["qemu"], QEMU, {})
    if "probe" in table:
        check(table["probe"], {}, PROBE)
    if "power" in table:
        check(table["power"], POWER, {})
