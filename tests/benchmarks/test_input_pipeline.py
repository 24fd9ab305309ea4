import cv2
import numpy as np

from benchmarks.input_pipeline import write_photo_records


def test_photos_are_stored_with_a_label_each(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(3):
        path = tmp_path / "photos" / f"{number}.jpg"
        blue_green_red = [0, 102 * number, 51 * number]
        cv2.imwrite(str(path), np.full((20, 30, 3), blue_green_red, np.uint8))
    images, labels = write_photo_records(tmp_path / "records", tmp_path / "photos", 2)
    assert sorted(images.ids) == ["0", "1"] and images.ids == labels.ids
    assert abs(labels.manifest.mean_saliency - 0.1) < 1e-3
