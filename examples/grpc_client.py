"""Asks a TF Serving model server over gRPC for the masks of photos, all in one request.

python examples/grpc_client.py localhost:8500 FOLDER photo.jpg [photo.jpg ...]
"""

import sys
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

SECONDS = 60.0


def main(address: str, folder: str, *photos: str) -> None:
    """Sends the photos' bytes and writes `FOLDER/<name>.png` for each."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "salient"
    contents = [Path(photo).read_bytes() for photo in photos]
    request.inputs["bytes"].CopyFrom(tf.make_tensor_proto(contents))
    request.output_filter.append("mask_bytes")
    with grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        reply = stub.Predict(request, SECONDS)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for photo, mask in zip(photos, reply.outputs["mask_bytes"].string_val, strict=True):
        (Path(folder) / f"{Path(photo).stem}.png").write_bytes(mask)


if __name__ == "__main__":
    main(*sys.argv[1:])
