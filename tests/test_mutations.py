"""The planted faults of tests/mutations.py: each has its one place in the code as it is."""

import mutations
import pytest


@pytest.mark.parametrize("fault", mutations.FAULTS, ids=lambda fault: fault.name)
def test_every_fault_can_be_planted(fault):
    assert (mutations.ROOT / fault.file).read_text().count(fault.old) == 1
    assert fault.new != fault.old
    assert all((mutations.ROOT / "tests" / name).is_file() for name in fault.tests)
