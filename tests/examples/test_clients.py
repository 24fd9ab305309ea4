import base64
import json
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from deepusps_tf.serving.export import export_model
from tests.deepusps_tf.conftest import disc_photo, tiny_model

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("salient")
    exported = export_model(network=tiny_model(backbone="", size=32), size=32, folder=folder)
    return tf.saved_model.load(str(exported)).signatures["serving_default"]


@pytest.fixture
def photos(tmp_path):
    for number in range(2):
        Image.fromarray(disc_photo(number)[0]).save(tmp_path / f"photo {number}.png")
    return [tmp_path / "photo 0.png", tmp_path / "photo 1.png"]


def run(name: str, *arguments) -> None:
    command = [sys.executable, EXAMPLES / name, *map(str, arguments)]
    subprocess.run(command, check=True, timeout=100)


def served_mask(model, photo: Path) -> np.ndarray:
    png = model(bytes=tf.constant([photo.read_bytes()]))["mask_bytes"][0]
    return tf.io.decode_png(png).numpy()[..., 0]


def test_rest_client(model, photos, tmp_path):
    class Server(BaseHTTPRequestHandler):
        def do_POST(self):
            rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["instances"]
            images = [base64.b64decode(row["bytes"]["b64"]) for row in rows]
            masks = model(bytes=tf.constant(images))["mask_bytes"].numpy()
            replies = [{"mask_bytes": {"b64": base64.b64encode(mask).decode()}} for mask in masks]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"predictions": replies}).encode())

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1/models/salient:predict"
        run("rest_client.py", photos[0], tmp_path / "mask.png", url)
        server.shutdown()
    assert np.array_equal(
        np.asarray(Image.open(tmp_path / "mask.png")), served_mask(model, photos[0])
    )


@pytest.mark.slow
def test_grpc_client_sends_no_more_at_once_than_a_batching_server_takes(model, photos, tmp_path):
    parameters = (EXAMPLES.parent / "configs/batching_parameters.txt").read_text()
    limit = int(re.search(r"^max_batch_size { value: (\d+) }$", parameters, re.MULTILINE)[1])
    for number in range(2, limit + 1):
        photos.append(tmp_path / f"photo {number}.png")
        Image.fromarray(disc_photo(number)[0]).save(photos[-1])
    received = []

    class Server(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802 (the service names it)
            assert request.model_spec.name == "salient"
            received.append(request.inputs["bytes"].string_val)
            outputs = model(bytes=tf.constant(tf.make_ndarray(request.inputs["bytes"])))
            reply = predict_pb2.PredictResponse()
            for name in request.output_filter:
                reply.outputs[name].CopyFrom(tf.make_tensor_proto(outputs[name].numpy()))
            return reply

    server = grpc.server(ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Server(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    run("grpc_client.py", f"127.0.0.1:{port}", tmp_path / "masks", *photos)
    server.stop(None)
    contents = [photo.read_bytes() for photo in photos]
    assert list(map(list, received)) == [contents[:limit], contents[limit:]]
    assert len(contents) == limit + 1
    for photo in photos:
        mask = np.asarray(Image.open(tmp_path / "masks" / photo.name))
        assert np.array_equal(mask, served_mask(model, photo))
