"""The optimiser of every training."""

import keras
from keras import ops


class ReleaseAdam(keras.optimizers.Adam):
    """Adam as PyTorch computes it, with an epsilon of 1e-8.

    PyTorch adds epsilon to sqrt(v / (1 - beta_2^t)), Keras to sqrt(v), so that at step t Keras'
    epsilon weighs 1 / sqrt(1 - beta_2^t) as much: 32 times at the first step, 3 at the 100th.
    Gradients are often that small: Keras' Adam, with its 1e-7, moves a DRN-D-22 in the first 12
    steps by 0.96 of PyTorch's way (`python -m benchmarks.fidelity`).

    State and its order are those of Keras' Adam, whose saved weights fit.

    Args:
        learning_rate: may be changed later.
        weight_average: momentum, in 0..1, of a moving average of the weights over steps, which
            begins with those after the first; 0: none. `finalize_variable_values` puts it in the
            weights' place.
    """

    def __init__(self, learning_rate: float = 1e-3, weight_average: float = 0.0):
        average = {"use_ema": True, "ema_momentum": weight_average} if weight_average else {}
        super().__init__(learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, **average)

    def update_step(self, gradient, variable, learning_rate):
        """Moves a variable against its gradient's mean, by its root mean square."""
        step = ops.cast(self.iterations + 1, variable.dtype)
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        place = self._get_variable_index(variable)
        mean, square = self._momentums[place], self._velocities[place]
        self.assign_add(mean, ops.multiply(ops.subtract(gradient, mean), 1 - self.beta_1))
        towards = ops.subtract(ops.square(gradient), square)
        self.assign_add(square, ops.multiply(towards, 1 - self.beta_2))
        unbiased = ops.divide(mean, 1 - ops.power(self.beta_1, step))
        root = ops.sqrt(ops.divide(square, 1 - ops.power(self.beta_2, step)))
        self.assign_sub(variable, rate * unbiased / (root + self.epsilon))
