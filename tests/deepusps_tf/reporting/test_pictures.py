import base64

import cv2
import numpy as np

from deepusps_tf.reporting.pictures import jpeg_uri, mask_uri, on_checkerboard, svg_uri


def decoded(uri, kind):
    head, _, data = uri.partition(",")
    assert head == f"data:{kind};base64"
    return base64.b64decode(data)


def test_a_cutout_stands_on_a_checkerboard():
    rgb = np.full((24, 24, 3), (200, 100, 0), np.uint8)
    opacity = np.zeros((24, 24), np.uint8)
    opacity[0, :2] = 255, 51
    shown = on_checkerboard(rgb, opacity)
    assert shown[0, 0].tolist() == [200, 100, 0]
    assert shown[0, 1].tolist() == [221, 201, 181]  # a fifth of it over 226
    assert shown[1, 1].tolist() == [226] * 3 and shown[1, 12].tolist() == [196] * 3
    assert shown[12, 12].tolist() == [226] * 3


def test_pictures_are_carried_in_the_page():
    rgb = np.zeros((16, 16, 3), np.uint8)
    rgb[..., 0] = 255
    picture = cv2.imdecode(
        np.frombuffer(decoded(jpeg_uri(rgb), "image/jpeg"), np.uint8), cv2.IMREAD_COLOR
    )
    assert picture[8, 8, 2] > 240 and picture[8, 8, 0] < 15  # red, as OpenCV has it
    mask = np.eye(40, dtype=bool)
    data = decoded(mask_uri(mask), "image/png")
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), 0), 255 * mask)
    assert len(data) < 300
    assert decoded(svg_uri("<svg/>"), "image/svg+xml") == b"<svg/>"
