from .captioner_training import CaptionerRun, train_captioner, use_of_picture
from .clip_space import ClipSpace, open_clip_space
from .clip_training import (
    SmallClipRecipe,
    scene_pairs,
    train_small_clip,
)
from .closing import ClosingStudy, open_closing
from .component_records import (
    ComponentOutcome,
    headline_intervals,
    hidden_rows,
    recorded_components,
    way_rows,
)
from .component_study import ComponentStudy, open_components
from .curriculum_grid import (
    Grid,
    load_grid,
    run_grid,
    save_grid,
)
from .curriculum_materials import make_materials
from .decoder import N_COMPONENTS, course_decoder, whiten
from .decoding_study import DecodingStudy, open_decoding
from .discovery_study import StudyOutcome, recorded_studies, run_studies
from .factor_probes import FactorProbes, probe_sources
from .gap_finetuning import (
    FinetuneDesign,
    finetune_runs,
    load_finetuning,
)
from .gap_materials import GapInputs, gap_inputs
from .guesses import Guesses
from .human_it import HumanIT
from .judged_objects import JudgedObjects
from .own_data import OwnData, open_own_data
from .participants import (
    ImageEmbeddings,
    ParticipantData,
    embed_stimuli,
    fit_decoders,
    load_participants,
)
from .picture_scores import (
    difference_of_decoders,
    difference_of_participants,
    highest,
    lowest,
)
from .planted import truth_masks
from .scene_metrics import (
    SceneMetrics,
    measure_on_scenes,
    phrase_embeddings,
)
from .scene_scores import (
    SceneScores,
    SceneTest,
    scene_test,
    score_on_scenes,
)
from .settings_study import (
    Outcome,
    Variation,
    recorded_outcomes,
    run_variations,
)
from .shared_concepts import (
    FoundConcepts,
    find_concepts,
)
from .source import Study, open_study
from .table_study import study_table
from .things_study import ThingsStudy, simulate_things
from .type_one import load_type_one, type_one_errors
from .v4_study import V4Study, open_v4

__all__ = [
    "N_COMPONENTS",
    "CaptionerRun",
    "ClipSpace",
    "ClosingStudy",
    "ComponentOutcome",
    "ComponentStudy",
    "DecodingStudy",
    "FactorProbes",
    "FinetuneDesign",
    "FoundConcepts",
    "GapInputs",
    "Grid",
    "Guesses",
    "HumanIT",
    "ImageEmbeddings",
    "JudgedObjects",
    "Outcome",
    "OwnData",
    "ParticipantData",
    "SceneMetrics",
    "SceneScores",
    "SceneTest",
    "SmallClipRecipe",
    "Study",
    "StudyOutcome",
    "ThingsStudy",
    "V4Study",
    "Variation",
    "course_decoder",
    "difference_of_decoders",
    "difference_of_participants",
    "embed_stimuli",
    "find_concepts",
    "finetune_runs",
    "fit_decoders",
    "gap_inputs",
    "headline_intervals",
    "hidden_rows",
    "highest",
    "load_finetuning",
    "load_grid",
    "load_participants",
    "load_type_one",
    "lowest",
    "make_materials",
    "measure_on_scenes",
    "open_clip_space",
    "open_closing",
    "open_components",
    "open_decoding",
    "open_own_data",
    "open_study",
    "open_v4",
    "phrase_embeddings",
    "probe_sources",
    "recorded_components",
    "recorded_outcomes",
    "recorded_studies",
    "run_grid",
    "run_studies",
    "run_variations",
    "save_grid",
    "scene_pairs",
    "scene_test",
    "score_on_scenes",
    "simulate_things",
    "study_table",
    "train_captioner",
    "train_small_clip",
    "truth_masks",
    "type_one_errors",
    "use_of_picture",
    "way_rows",
    "whiten",
]
