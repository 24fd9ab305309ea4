"""Asks a TF Serving model server over gRPC for the masks of photos, a batch in a request.

python examples/grpc_client.py localhost:8500 FOLDER photo.jpg [photo.jpg ...]
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

SECONDS = 60.0
BATCH = 16  # photos a request: a server that batches refuses more than its max_batch_size


def main(address: str, folder: str, *photos: str) -> None:
    """Sends the photos' bytes and writes `FOLDER/<name>.png` for each."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    with grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for first in range(0, len(photos), BATCH):
            batch = photos[first : first + BATCH]
            for photo, mask in zip(batch, ask(stub, batch), strict=True):
                (Path(folder) / f"{Path(photo).stem}.png").write_bytes(mask)


def ask(
    stub: prediction_service_pb2_grpc.PredictionServiceStub, photos: Sequence[str]
) -> Sequence[bytes]:
    """Sends photos in one request; their masks come back as PNGs."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "salient"
    contents = [Path(photo).read_bytes() for photo in photos]
    request.inputs["bytes"].CopyFrom(tf.make_tensor_proto(contents))
    request.output_filter.append("mask_bytes")
    return stub.Predict(request, SECONDS).outputs["mask_bytes"].string_val


if __name__ == "__main__":
    main(*sys.argv[1:])
