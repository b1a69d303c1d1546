"""Curriculum training of small vision-language models: difficulty, order, models, evaluation."""
