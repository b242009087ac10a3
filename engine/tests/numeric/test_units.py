import pytest
from crossrec.numeric.units import size_text, time_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "under 0.1 s"),
        (0.049, "under 0.1 s"),
        (0.25, "0.2 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (60, "60 s"),
        (90.4, "90 s"),
        (91, "1 min 31 s"),
        (200, "3 min 20 s"),
        (120, "2 min"),
        (3599.6, "1 h"),
        (7500, "2 h 5 min"),
    ],
)
def test_seconds_are_said_as_people_do(seconds, text):
    assert time_text(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (1024, "1 KiB"),
        (4 * 2**30, "4 GiB"),
        (9.2 * 2**30, "9.2 GiB"),
        (500 * 2**20, "500 MiB"),
        (1023 * 2**20, "1 GiB"),
        (5000 * 2**40, "5000 TiB"),
    ],
)
def test_bytes_are_said_in_binary_units(size, text):
    assert size_text(size) == text
