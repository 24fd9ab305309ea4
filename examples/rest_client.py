"""Asks a TF Serving model server over REST for the mask of a photo.

python examples/rest_client.py photo.jpg mask.png [http://localhost:8501/v1/models/salient:predict]
"""

import base64
import json
import sys
import urllib.request
from pathlib import Path

URL = "http://localhost:8501/v1/models/salient:predict"


def main(photo: str, mask: str, url: str = URL) -> None:
    """Sends the photo's bytes and writes the mask that comes back."""
    row = {"bytes": {"b64": base64.b64encode(Path(photo).read_bytes()).decode()}}
    body = json.dumps({"instances": [row]}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as reply:
        (prediction,) = json.load(reply)["predictions"]
    Path(mask).write_bytes(base64.b64decode(prediction["mask_bytes"]["b64"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
