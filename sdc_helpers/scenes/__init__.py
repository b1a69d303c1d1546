"""A picture world with known meaning: scenes, their pictures, captions and factors.

One seed gives an endless series of small natural-looking pictures. Each is drawn from a scene
graph, so that what can be seen in it is known exactly: concepts can be planted on the factors, and
captions and minimal pairs are true of their pictures by construction. Things co-occur as unevenly
as in life, with enough exceptions to tell what is confounded apart.

>>> from sdc_helpers.scenes import captions, factors, generate_scenes, render
>>> scenes = generate_scenes(3, seed=1)
>>> render(scenes).shape
(3, 64, 64, 3)
>>> [len(sentences) for sentences in captions(scenes)]
[5, 5, 5]
>>> factors(scenes).loc[0, "place"]
'forest'
"""

from sdc_helpers.scenes.changes import SceneChanges, scene_changes
from sdc_helpers.scenes.drawing import contact_sheet, render
from sdc_helpers.scenes.factors import factors
from sdc_helpers.scenes.grammar import SentencePair, acceptability_pairs
from sdc_helpers.scenes.graph import Scene, SceneObject
from sdc_helpers.scenes.language import captions
from sdc_helpers.scenes.lexicon import LEXICON
from sdc_helpers.scenes.pairs import MinimalPair, minimal_pairs, replaced_pairs
from sdc_helpers.scenes.questions import Question, questions
from sdc_helpers.scenes.sampling import generate_scenes
from sdc_helpers.scenes.tagger import tag_by_lexicon

__all__ = [
    "LEXICON",
    "MinimalPair",
    "Question",
    "Scene",
    "SceneChanges",
    "SceneObject",
    "SentencePair",
    "acceptability_pairs",
    "captions",
    "contact_sheet",
    "factors",
    "generate_scenes",
    "minimal_pairs",
    "questions",
    "render",
    "replaced_pairs",
    "scene_changes",
    "tag_by_lexicon",
]
