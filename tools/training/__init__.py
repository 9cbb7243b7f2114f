"""Fine-tuning on demand: one loop for everything that is trained.

A method says what is trained (`parts`), a backbone's task says how wrong a batch is (`tokens`, `denoising`), a lesson
gives the pictures and the measure (`lesson`), and the loop does the rest: checkpoints, sampling, stopping (`loop`).
"""
