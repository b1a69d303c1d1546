"""The exercises of the chapters on CLIP: its two towers, and what it keeps of a picture."""

from __future__ import annotations

from sdc_helpers.exercises import _clip_answers as answers
from sdc_helpers.exercises import _clip_probe_answers as probes
from sdc_helpers.exercises.registry import Exercise, WrongAnswer

EXERCISES = (
    Exercise(
        identifier="clip.loss",
        title="Write the loss",
        minutes=15,
        difficulty=2,
        solution=answers.contrastive_loss,
        cases=answers.loss_cases,
        wrong_answers=(
            WrongAnswer(
                "pictures look for captions only",
                "This is half of it: each picture looks for its caption (rows). Each caption has "
                "to look for its picture too (columns); average the two.",
                answers.one_direction,
            ),
            WrongAnswer(
                "captions look for pictures only",
                "This is half of it: each caption looks for its picture (columns). Each picture "
                "has to look for its caption too (rows); average the two.",
                answers.other_direction,
            ),
            WrongAnswer(
                "multiplied by the temperature",
                "You multiplied by tau, which flattens the softmax. The cosines are divided by it.",
                answers.times_temperature,
            ),
            WrongAnswer(
                "no temperature",
                "The temperature does not enter: divide the cosines by tau before the softmax.",
                answers.no_temperature,
            ),
            WrongAnswer(
                "sum of the directions",
                "Twice too much: take the mean of the two directions, not their sum.",
                answers.sum_of_directions,
            ),
            WrongAnswer(
                "sum over pairs",
                "You added the pairs up. Take their mean, so that the loss can be compared between "
                "batches of different size.",
                answers.sum_over_pairs,
            ),
            WrongAnswer(
                "one softmax over the table",
                "You normalised over the whole table. Each row is a question of its own, and so is "
                "each column.",
                answers.softmax_of_the_whole_table,
            ),
            WrongAnswer(
                "the pair left out of the sum",
                "The sum under the fraction runs over all j, the pair itself included.",
                answers.pair_left_out,
            ),
        ),
        hints=(
            "S = u @ v.T / tau. The right answers are on its diagonal.",
            "-log softmax of row i at i is log(sum(exp(S[i]))) - S[i, i].",
            "Do the same for the columns, and average the two means.",
        ),
    ),
    Exercise(
        identifier="clip.ranks",
        title="Rank by cosine",
        minutes=10,
        difficulty=2,
        solution=answers.ranks_of_own_picture,
        cases=answers.pair_cases,
        wrong_answers=(
            WrongAnswer(
                "lengths kept",
                "These are ranks by inner product: long vectors win. Divide by the length first.",
                answers.lengths_kept,
            ),
            WrongAnswer(
                "rank among captions",
                "You ranked the captions of each picture. The question goes the other way: each "
                "caption looks among the pictures.",
                answers.over_captions,
            ),
            WrongAnswer(
                "counted from 0",
                "The nearest has rank 1, not 0.",
                answers.from_zero,
            ),
            WrongAnswer(
                "farthest first",
                "Your rank 1 is the farthest. A large cosine is near.",
                answers.from_the_far_end,
            ),
            WrongAnswer(
                "order instead of rank",
                "argsort says which picture comes at place i. You need the place at which picture "
                "i comes.",
                answers.order_for_rank,
            ),
            WrongAnswer(
                "distance of raw vectors",
                "The distance between vectors of different lengths is not the angle. Divide by the "
                "length first; then distance and cosine give the same ranks.",
                answers.distance_of_raw_vectors,
            ),
        ),
        hints=(
            "Scale both sides to length 1; captions @ images.T holds cosines, a row a caption.",
            "The rank is the number of pictures with a cosine at least as large as the own one's.",
            "(cosines >= np.diag(cosines)[:, None]).sum(axis=1)",
        ),
    ),
    Exercise(
        identifier="clip.zero_shot",
        title="Classify with several sentences a class",
        minutes=10,
        difficulty=2,
        solution=answers.class_scores,
        cases=answers.prompt_cases,
        wrong_answers=(
            WrongAnswer(
                "mean of the cosines",
                "The mean of unit vectors is shorter than 1, the more the sentences differ, so "
                "classes with varied sentences score lower. Scale the mean to length 1. (The mean "
                "of the cosines with each sentence is the same mistake.)",
                answers.mean_of_cosines,
            ),
            WrongAnswer(
                "sentences not scaled",
                "You averaged the sentences as the tower gives them: the longest vector counts "
                "most. Scale each to length 1 before the mean.",
                answers.long_sentences_count_more,
            ),
            WrongAnswer(
                "best sentence",
                "You took the nearest sentence of each class. An ensemble averages them.",
                answers.best_sentence,
            ),
            WrongAnswer(
                "first sentence",
                "Only the first sentence of each class was used.",
                answers.first_sentence,
            ),
            WrongAnswer(
                "pictures not scaled",
                "These are no cosines yet: the pictures' vectors are not of length 1. The winner "
                "is the same, the scores are not.",
                answers.pictures_not_scaled,
            ),
            WrongAnswer(
                "probabilities",
                "You took a softmax. The exercise asks for the cosines themselves.",
                answers.probabilities,
            ),
        ),
        hints=(
            "Lengths are removed three times: from sentences, from their mean, from pictures.",
            "prompts has the axes (class, sentence, dimension): the mean runs over axis 1.",
            "unit(images) @ unit(unit(prompts).mean(axis=1)).T",
        ),
    ),
    Exercise(
        identifier="clip.recall",
        title="Recall with five captions",
        minutes=10,
        difficulty=2,
        solution=answers.recall_any_caption,
        cases=answers.recall_cases,
        wrong_answers=(
            WrongAnswer(
                "first caption only",
                "You looked for the first caption of each picture. Any of its captions counts.",
                answers.first_caption_only,
            ),
            WrongAnswer(
                "share of own captions found",
                "You counted how many of a picture's captions are found. One among the first k is "
                "enough, and more do not count more.",
                answers.share_of_own_captions,
            ),
            WrongAnswer(
                "precision",
                "This is the share of the k answers that are right (precision). Recall asks "
                "whether at least one is.",
                answers.precision,
            ),
            WrongAnswer(
                "from captions to pictures",
                "You asked captions for their picture. Here pictures look for captions: sort along "
                "the rows.",
                answers.from_captions_to_pictures,
            ),
            WrongAnswer(
                "one answer too many",
                "You looked at k + 1 answers.",
                answers.one_too_many,
            ),
            WrongAnswer(
                "smallest first",
                "argsort sorts from the smallest. The nearest caption has the largest cosine.",
                answers.smallest_first,
            ),
        ),
        hints=(
            "Sort each row by falling cosine and keep the first k columns.",
            "owner[those columns] says whose captions they are.",
            "(owner[nearest] == np.arange(n)[:, None]).any(axis=1).mean()",
        ),
    ),
    Exercise(
        identifier="clip.probe",
        title="Read a number from embeddings",
        minutes=15,
        difficulty=2,
        solution=probes.probe_r2,
        cases=probes.probe_cases,
        wrong_answers=(
            WrongAnswer(
                "scored on the pictures it was fitted on",
                "This is the R2 of the training pictures, which rises with every column that you "
                "add. Predict y_test.",
                probes.scored_on_training,
            ),
            WrongAnswer(
                "squared correlation",
                "This is the squared correlation. It forgives predictions that are too large or "
                "shifted, and can never be negative. Compare the squared errors.",
                probes.squared_correlation,
            ),
            WrongAnswer(
                "test pictures scaled by themselves",
                "You scaled the test pictures by their own mean and standard deviation. At the "
                "time of fitting these are unknown; use those of the training pictures.",
                probes.scaled_by_test,
            ),
            WrongAnswer(
                "no intercept",
                "The mean of y is missing: subtract the mean of y_train before the fit, and add it "
                "to the predictions.",
                probes.no_intercept,
            ),
            WrongAnswer(
                "no penalty",
                "The penalty does not enter: add it to the diagonal of Z.T @ Z.",
                probes.no_penalty,
            ),
            WrongAnswer(
                "not scaled",
                "Columns keep their own scales, so that the penalty falls on small columns most. "
                "Divide by the standard deviation of the training pictures.",
                probes.not_scaled,
            ),
        ),
        hints=(
            "z-score x_train; z-score x_test by the mean and standard deviation of x_train.",
            "w = np.linalg.solve(Z.T @ Z + penalty * np.eye(d), Z.T @ (y_train - y_train.mean()))",
            "R2 is 1 - sum((y_test - predicted)**2) / sum((y_test - y_test.mean())**2).",
        ),
    ),
    Exercise(
        identifier="clip.above_chance",
        title="Score classes above chance",
        minutes=10,
        difficulty=2,
        solution=probes.above_chance,
        cases=probes.class_cases,
        wrong_answers=(
            WrongAnswer(
                "plain accuracy",
                "This is the share of right answers, rescaled. A frequent class counts more in it, "
                "so that always naming it looks like skill. Take the mean over classes.",
                probes.plain_accuracy,
            ),
            WrongAnswer(
                "not rescaled",
                "This is the balanced accuracy itself. Guessing gives 1 / k, not 0: rescale it.",
                probes.not_rescaled,
            ),
            WrongAnswer(
                "chance only subtracted",
                "Chance is 0 now, but a perfect score is 1 - 1 / k. Divide by that.",
                probes.chance_subtracted,
            ),
            WrongAnswer(
                "precision",
                "You asked which of the pictures that were named so are such. Ask of each true "
                "class how many of its pictures were named right.",
                probes.by_prediction,
            ),
            WrongAnswer(
                "chance of the most frequent class",
                "Always naming the most frequent class has a balanced accuracy of 1 / k: it is "
                "right in one class and wrong in the others.",
                probes.most_frequent_as_chance,
            ),
        ),
        hints=(
            "For each class of `true`, the share of its pictures that were predicted as it.",
            "Chance is 1 / k for k classes; (mean - chance) / (1 - chance).",
            "np.mean([np.mean(predicted[true == c] == c) for c in np.unique(true)])",
        ),
    ),
    Exercise(
        identifier="clip.effective_rank",
        title="Count the directions in use",
        minutes=10,
        difficulty=2,
        solution=probes.effective_rank,
        cases=probes.rank_cases,
        wrong_answers=(
            WrongAnswer(
                "not centred",
                "The mean is still in the rows. It is no difference between pictures, and it takes "
                "a large share for itself. Subtract it.",
                probes.not_centred,
            ),
            WrongAnswer(
                "singular values for variances",
                "Variances are the squared singular values. Unsquared, weak directions weigh more.",
                probes.singular_values,
            ),
            WrongAnswer(
                "entropy",
                "This is the entropy. Its exponential is a number of directions.",
                probes.entropy,
            ),
            WrongAnswer(
                "two to the entropy in nats",
                "A natural logarithm needs exp; 2 to the power goes with a logarithm to base 2.",
                probes.wrong_base,
            ),
            WrongAnswer(
                "participation ratio",
                "1 / sum(p**2) is another count of directions, and a smaller one. Here it is the "
                "exponential of the entropy.",
                probes.participation_ratio,
            ),
            WrongAnswer(
                "matrix rank",
                "This counts every direction that is used at all, however weakly.",
                probes.matrix_rank,
            ),
        ),
        hints=(
            "Subtract the mean row, then np.linalg.svd(..., compute_uv=False).",
            "p = s**2 / sum(s**2) are the shares of variance; leave out zeros.",
            "np.exp(-np.sum(p * np.log(p)))",
        ),
    ),
)
