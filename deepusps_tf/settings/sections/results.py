"""What is made of finished runs: exports, predictions, figures, reports, tables."""

import dataclasses

from deepusps_tf.settings.setting import PORT, setting

GROUP = "exports, results and figures"
EVALUATE = ("evaluate",)


@dataclasses.dataclass(frozen=True)
class ResultSettings:
    """What the modes after training take, and where they write."""

    format: str = setting(
        "saved_model",
        "What --mode=export writes: the next version for TF Serving, or one file in the workdir; "
        "keras_half is a Keras file for prediction, with weights of 16 bits.",
        modes=("export",),
        changes="scoring",
        group=GROUP,
        choices=("saved_model", "keras", "keras_half", "weights", "onnx", "litert"),
    )
    serving_refinement: str = setting(
        "local_crf",
        "What refines inside an exported graph, of TF Serving, ONNX and LiteRT, if the run has a "
        "CRF: local_crf, which joins a pixel with some neighbours instead of with all, or none.",
        modes=("train", "export"),
        changes="scoring",
        group=GROUP,
        choices=("local_crf", "none"),
    )
    compare: str | None = setting(
        None,
        "Workdir of another finished run, an oracle for instance, whose error on each photo the "
        "report draws against this run's.",
        modes=("train", "report"),
        changes="scoring",
        group=GROUP,
        local=True,
    )
    model: str | None = setting(
        None,
        "An exported model's folder, or its .keras file, for --mode=predict, to evaluate on "
        "--images, and to try on a page of --mode=studio; by default, but for the page, the "
        "starter model, which comes with the program.",
        modes=("evaluate", "predict", "studio"),
        changes="scoring",
        group=GROUP,
        local=True,
    )
    output: str | None = setting(
        None,
        "Folder that --mode=predict writes to, evaluate its figures and table its table; of one "
        "photo to predict, also the .png to write.",
        modes=("evaluate", "predict", "table"),
        changes="scoring",
        group=GROUP,
        local=True,
    )
    maps: str | None = setting(
        None,
        "Folder of 8-bit maps named like --masks, for --mode=evaluate to score.",
        modes=EVALUATE,
        changes="scoring",
        group=GROUP,
        path=True,
    )
    test_set: str | None = setting(
        None,
        "What --mode=evaluate calls what it scores on; by default the folder that the masks lie "
        "in, or the name of the records.",
        modes=EVALUATE,
        changes="scoring",
        group=GROUP,
    )
    resolution: str = setting(
        "own",
        "Where --mode=evaluate scores a run on labelled photos: at their own size or, as the paper "
        "does, at the network's.",
        modes=EVALUATE,
        changes="scoring",
        group=GROUP,
        choices=("own", "network"),
    )
    prediction: str = setting(
        "mask",
        "What --mode=predict writes of each photo: its mask, its probability map, or the photo cut "
        "out (RGBA).",
        modes=("predict",),
        changes="scoring",
        group=GROUP,
        choices=("mask", "probability", "cutout"),
        flag="as",
    )
    strict: bool = setting(
        False,
        "End --mode=predict with status 3 where a photo could not be read; the others are written "
        "all the same.",
        modes=("predict",),
        changes="scoring",
        group=GROUP,
    )
    summary: str | None = setting(
        None,
        "JSON file in which --mode=predict says what became of every file: written, kept, skipped "
        "or passed over, and why.",
        modes=("predict",),
        changes="scoring",
        group=GROUP,
        local=True,
    )
    workdirs: tuple[str, ...] = setting(
        (),
        "Runs that --mode=table compares, with commas between; folders of evaluated maps may be "
        "among them. One with a comma in its name stands in double quotes: '\"a,b\",c'.",
        modes=("table",),
        changes="scoring",
        group=GROUP,
        path=True,
    )
    port: int = setting(
        8421,
        "Where the page of --mode=studio is: http://127.0.0.1:PORT; 0: at a port that is free.",
        modes=("studio",),
        changes="nothing",
        group=GROUP,
        rules=[PORT],
    )
