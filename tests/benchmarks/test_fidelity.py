import numpy as np
import pytest

from benchmarks import fidelity
from data_prep.base.errors import InputError
from data_prep.sample.sample import write_sample
from tests.deepusps_tf.networks.shallow import DRN


def test_pytorchs_update_by_hand():
    # One weight, gradients 2 and 1: m = .2, .28; v = .004, .004996; both unbiased below.
    update = fidelity._torch_update([[np.array([2.0])], [np.array([1.0])]])
    second = (0.28 / 0.19) / np.sqrt(0.004996 / 0.001999)
    np.testing.assert_allclose(update[0], [-fidelity.RATE * (1 + second)], rtol=1e-6)


def test_order_is_described_by_its_dependence_on_the_records():
    places = np.arange(fidelity.PHOTOS_OF_MSRA)
    assert fidelity._order_text([places, places]) == "1.00; 2499"
    assert fidelity._order_text([places[::-1], places]) == "0.00; 0"


@pytest.mark.slow
def test_the_table_of_a_few_photos(tmp_path, monkeypatch):
    monkeypatch.setattr(fidelity, "BACKBONE", DRN)
    monkeypatch.setattr(fidelity, "SIZE", 48)
    monkeypatch.setattr(fidelity, "STEPS", 4)
    write_sample(output=tmp_path, size=24, seed=0, progress=False)
    rows = {row.point: row for row in fidelity.measure(tmp_path / "train/images", 4)}
    assert len(rows) == 6
    batchnorm, head, jpeg, _, order, adam = rows.values()
    assert float(batchnorm.before) > 0.001 > float(batchnorm.now)
    assert (head.before, head.now, head.release) == ("1", "13", "13")
    assert order.point.startswith("order") and float(order.before.split(";")[0]) > 0.4
    assert abs(float(order.now.split(";")[0])) < 0.03
    assert jpeg.now == "0.00, 0" and float(jpeg.before.split(",")[0]) > 0.1
    assert float(adam.before) < 0.99 and float(adam.now) == pytest.approx(1, abs=1e-3)


def test_too_few_photos_are_refused(tmp_path):
    (tmp_path / "a.jpg").touch()
    with pytest.raises(InputError, match=r"holds 1 JPEGs, --photos=4"):
        next(fidelity.measure(tmp_path, 4))
