"""Condition "none" in evaluation: the set of results counts. Dropped conditions train it."""

from ..condition_training import ConditionTraining, Evaluation

TRAINING = ConditionTraining(
    name="none", evaluations={"none": Evaluation(lambda shape, rng: {}, lambda inputs: "nothing", as_set=True)}
)
