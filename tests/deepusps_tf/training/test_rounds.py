from deepusps_tf.training.rounds import epochs_for


def test_epochs_are_raised_to_make_the_steps_asked_for():
    # Ten photos in batches of four: three steps an epoch.
    sizes = {"photos": 10, "batch_size": 4}
    assert epochs_for(epochs=2, steps=0, **sizes) == 2
    assert epochs_for(epochs=2, steps=6, **sizes) == 2
    assert epochs_for(epochs=2, steps=7, **sizes) == 3
