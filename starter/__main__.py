"""The recipe: `python -m limner.starter all --work DIR`, or one part of it by name. Every part resumes.

`restore`, then a part with more `--minutes`, goes on from the weights that ship.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from .loop import Plan, launch

# Minutes on two cores that gave the weights in this repository; see weights/README.md for what each reached.
PARTS = {
    "tokenizer": {"minutes": 36, "batch": 16, "processes": 2, "lr": 2e-3, "muon_lr": 0.02},
    "vision": {"minutes": 5, "batch": 128, "lr": 2e-3, "muon_lr": 0.02, "evaluate_minutes": 1.5},
    "ar": {"minutes": 90, "batch": 32, "processes": 2, "lr": 1.5e-3, "muon_lr": 0.015, "average": 0.997},
    "decoder": {"minutes": 30, "batch": 16, "processes": 1, "lr": 1e-3, "muon_lr": 0.01, "evaluate_minutes": 5},
    "encoder": {"minutes": 25, "batch": 64, "lr": 2e-3, "muon_lr": 0.02, "average": 0.995, "evaluate_minutes": 3},
    "diffusion_autoencoder": {"minutes": 13, "batch": 16, "processes": 2, "lr": 1e-3, "muon_lr": 0.01},
    "diffusion_encoder": {"minutes": 9, "batch": 64, "lr": 2e-3, "muon_lr": 0.02, "evaluate_minutes": 2},
    "diffusion": {"minutes": 92, "batch": 32, "processes": 2, "lr": 1.5e-3, "muon_lr": 0.02, "average": 0.9985,
                  "decay": 0.3},
    "segmenter": {"minutes": 5, "batch": 32, "lr": 2e-3, "muon_lr": 0.02, "evaluate_minutes": 2},
}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m limner.starter", description=__doc__)
    parser.add_argument("part", choices=["restore", "pool", "words", *PARTS, "export", "all"])
    parser.add_argument("--work", type=Path, required=True, help="folder for pictures, checkpoints and curves")
    parser.add_argument("--minutes", type=float, help="wall-clock minutes in all, over every session")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--batch", type=int, help="examples a step and process")
    parser.add_argument("--processes", type=int, help="processes that train together")
    parser.add_argument("--subjects", type=int, default=14_000, help="subjects in the pool")
    parser.add_argument("--seed", type=int, default=0, help="another one draws other pictures and deals other examples")
    shipped = "the weights that `export` writes and `restore` reads (default: those in this package)"
    parser.add_argument("--out", type=Path, help=shipped)
    return parser.parse_args()


def train(part: str, options: argparse.Namespace) -> None:
    """Trains one part, or goes on training it."""
    chosen = {k: getattr(options, k) for k in ("minutes", "batch", "processes") if getattr(options, k)}
    plan = Plan(part, options.work, device=options.device, seed=options.seed, **(PARTS[part] | chosen))
    if part == "ar":
        from .ar import encode_pool

        encode_pool(plan)
    elif part == "diffusion":
        from .diffusion import cache_pool

        cache_pool(plan)
    launch(plan, importlib.import_module(f".{part}", __package__).build)


def main() -> None:
    """Runs the part that was asked for."""
    options = arguments()
    for part in (["pool", "words", *PARTS, "export"] if options.part == "all" else [options.part]):
        if part == "pool":
            from .pool import Sizes, write_pool

            write_pool(options.work / "pool", Sizes(options.subjects, pairs=12_000), options.seed)
        elif part == "words":
            from .words import train_tokenizer

            train_tokenizer().save_pretrained(options.work / "words")
        elif part == "restore":
            from .restore import restore

            restore(options.out or Path(__file__).parent / "weights", options.work)
        elif part == "export":
            from .export import export_all

            export_all(options.work, options.out or Path(__file__).parent / "weights")
        else:
            train(part, options)


if __name__ == "__main__":
    main()
