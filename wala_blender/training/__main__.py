"""Runs a training stage from the command line. Knows arguments; not training."""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

import torch


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m wala_blender.training", description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=("autoencoder", "denoiser"))
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--autoencoder", type=Path, help="the autoencoder's run folder (stage 2)")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="use 1 on a machine that does other work as well")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if arguments.stage == "autoencoder":
        from .autoencoder_training import AutoencoderTraining, train

        settings, places = AutoencoderTraining(), (arguments.store, arguments.out)
    else:
        from .denoiser_training import DenoiserTraining, train

        settings, places = DenoiserTraining(), (arguments.store, arguments.autoencoder, arguments.out)
    if arguments.minutes:
        settings = replace(settings, loop=replace(settings.loop, minutes=arguments.minutes))
    torch.set_num_threads(arguments.threads)
    train(*places, settings)


if __name__ == "__main__":
    main()
