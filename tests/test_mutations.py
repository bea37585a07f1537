"""Every planted fault fits the code as it stands: `make mutations` would stop at the first that does not."""

import pytest
from mutations import FAULTS, ROOT


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_has_one_place(fault) -> None:
    assert (ROOT / fault.file).read_text(encoding="utf-8").count(fault.old) == 1
    assert fault.old != fault.new
    assert all((ROOT / "tests" / name).exists() for name in fault.tests)


def test_names_differ() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
