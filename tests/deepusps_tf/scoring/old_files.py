"""Files of figures as older versions of the program wrote them, to the letter."""

# A round's `scores.json`, of which the form never changed.
STAGES = """\
[
  {
    "method": "rbd",
    "stage": 0,
    "output": "map",
    "split": "test",
    "scores": {
      "count": 7,
      "mae": 0.1234,
      "f_fixed": 0.8,
      "f_adaptive": 0.7,
      "precision": 0.9,
      "recall": 0.65
    }
  },
  {
    "method": "rbd",
    "stage": 1,
    "output": "labels",
    "split": "train",
    "scores": {
      "count": 7,
      "mae": 0.1234,
      "f_fixed": 0.8,
      "f_adaptive": 0.7,
      "precision": 0.9,
      "recall": 0.65
    }
  },
  {
    "method": "fusion",
    "stage": 1,
    "output": "prediction + CRF",
    "split": "test",
    "scores": {
      "count": 1,
      "mae": 0.25,
      "f_fixed": 0.8124999403953552,
      "f_adaptive": 0.8124999403953552,
      "precision": 1.0,
      "recall": 0.5
    }
  }
]
"""

# `evaluation.json` before it named what was scored, the oracle and the CRF.
UNNAMED = """\
[
  {
    "test_set": "discs",
    "output": "prediction",
    "resolution": "32x32",
    "scores": {
      "count": 2,
      "mae": 0.25,
      "f_fixed": 0.8124999403953552,
      "f_adaptive": 0.8124999403953552,
      "precision": 1.0,
      "recall": 0.5
    },
    "field": {
      "mae": 0.25,
      "f_max": 0.8125,
      "f_mean": 0.8115340523097826,
      "f_adaptive": 0.8125,
      "f_weighted": 0.9294120703711772,
      "s_measure": 0.515093499670659,
      "e_max": 0.6812149901380666,
      "e_mean": 0.6795956607495064,
      "e_adaptive": 0.6812149901380666
    }
  }
]
"""

# `evaluation.json` with all of them.
NAMED = """\
[
  {
    "test_set": "discs",
    "output": "prediction",
    "resolution": "32x32",
    "scores": {
      "count": 2,
      "mae": 0.25,
      "f_fixed": 0.8124999403953552,
      "f_adaptive": 0.8124999403953552,
      "precision": 1.0,
      "recall": 0.5
    },
    "field": {
      "mae": 0.25,
      "f_max": 0.8125,
      "f_mean": 0.8115340523097826,
      "f_adaptive": 0.8125,
      "f_weighted": 0.9294120703711772,
      "s_measure": 0.515093499670659,
      "e_max": 0.6812149901380666,
      "e_mean": 0.6795956607495064,
      "e_adaptive": 0.6812149901380666
    },
    "scored": "this run on /records/test",
    "oracle": "none",
    "crf": ""
  },
  {
    "test_set": "discs",
    "output": "prediction + CRF",
    "resolution": "32x32",
    "scores": {
      "count": 2,
      "mae": 0.0,
      "f_fixed": 1.0,
      "f_adaptive": 1.0,
      "precision": 1.0,
      "recall": 1.0
    },
    "field": {
      "mae": 0.0,
      "f_max": 1.0,
      "f_mean": 0.9983016304347826,
      "f_adaptive": 1.0,
      "f_weighted": 1.0,
      "s_measure": 0.9999999999999993,
      "e_max": 1.0666666666666662,
      "e_mean": 1.0635416666666662,
      "e_adaptive": 1.0666666666666662
    },
    "scored": "this run on /records/test",
    "oracle": "none",
    "crf": "5 iterations, reach 80"
  }
]
"""
