"""The judge: reads a picture's true storybook attributes, for measuring only. No agent ever sees it.

`reader.Judge` is what others use; `python -m limner.bench.judge --minutes M --work DIR` trains its network.
"""
