"""A fit that is killed between two sources: the next one goes on, to the same artifact."""

import json
import os
import shutil
import signal

import pytest


def finished(running):
    """Return the report of a fit that ends by itself."""
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    return json.loads(out)


def parts_of(workspace):
    """Return the files of the states in the artifact, by name."""
    (version,) = (path for path in (workspace / "artifacts" / "kiosk").iterdir() if path.is_dir())
    return {path.name: path.read_bytes() for path in version.glob("component-*")}


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_killed_fit_goes_on_to_the_same_artifact(kiosk, wait_for, tmp_path):
    sign, fits, other = tmp_path / "hangs", tmp_path / "fits", tmp_path / "other"
    shutil.copytree(kiosk.workspace, other)
    running = kiosk.fit(HANG_IN="fit of Roots", SIGN=str(sign), FITS=str(fits))
    try:
        wait_for(sign, running)
    finally:
        running.send_signal(signal.SIGKILL)
        running.communicate()
    kept = kiosk.workspace / "cache" / "fits" / "kiosk"
    assert list(kept.rglob("state.safetensors"))
    report = finished(kiosk.fit(FITS=str(fits)))
    assert report["notes"] == ["counts before the cut: taken from the fit that was stopped"]
    names = [line.split()[0] for line in fits.read_text().splitlines()]
    assert names == ["Counts", "Roots", "Counts", "Roots"]
    assert not kept.exists(), "what was kept is gone once it is published"
    whole = finished(kiosk.fit(other))
    assert whole["notes"] == []
    assert report["gate"] == whole["gate"]
    assert parts_of(kiosk.workspace) == parts_of(other)
