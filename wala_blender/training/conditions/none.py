"""Condition "none" in evaluation: the results are compared as a set. It is trained by dropped conditions."""

from ..condition_training import ConditionTraining, Evaluation

TRAINING = ConditionTraining(
    name="none", evaluations={"none": Evaluation(lambda shape, rng: {}, lambda inputs: "nothing", as_set=True)}
)
