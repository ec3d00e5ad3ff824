"""OpenCLIP's text encoder as used by Stable Diffusion 2: text → 77 tokens.

Network and tokenizer are transformers', imported when a model is built. The vocabulary is not part of a checkpoint: its
files lie beside it.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import ModelError
from .key_mapping import Rename

TOKENS = 77
PADDING = 0
# either one file or the two older ones
TOKENISER_FILES = (("tokenizer.json",), ("vocab.json", "merges.txt"))


@dataclass(frozen=True)
class TextEncoderConfig:
    """``depth``: transformer blocks in the checkpoint, the last of which is not used."""

    width: int = 1024
    depth: int = 24
    heads: int = 16
    vocabulary: int = 49408


_BLOCK, _LAYER = r"model\.transformer\.resblocks\.(\d+)\.", r"clip.encoder.layers.\1."
_ENDS = r"\.(weight|bias)"
LAYOUT = (
    Rename(r"model\.token_embedding\.weight", ("clip.embeddings.token_embedding.weight",)),
    Rename(r"model\.positional_embedding", ("clip.embeddings.position_embedding.weight",)),
    Rename(_BLOCK + r"ln_([12])" + _ENDS, (_LAYER + r"layer_norm\2.\3",)),
    Rename(_BLOCK + r"attn\.in_proj_(weight|bias)", tuple(_LAYER + rf"self_attn.{part}_proj.\2" for part in "qkv")),
    Rename(_BLOCK + r"attn\.out_proj" + _ENDS, (_LAYER + r"self_attn.out_proj.\2",)),
    Rename(_BLOCK + r"mlp\.c_fc" + _ENDS, (_LAYER + r"mlp.fc1.\2",)),
    Rename(_BLOCK + r"mlp\.c_proj" + _ENDS, (_LAYER + r"mlp.fc2.\2",)),
    Rename(r"model\.ln_final" + _ENDS, (r"clip.final_layer_norm.\1",)),
    # for comparing words with pictures; and a mask that the network makes itself
    Rename(r"model\.(text_projection|logit_scale|attn_mask)"),
)


class TextEncoder(nn.Module):
    """Token numbers (B, 77) → tokens (B, 77, width): what the last block but one gives, after the last norm."""

    def __init__(self, config: TextEncoderConfig):
        from transformers import CLIPTextConfig, CLIPTextModel

        super().__init__()
        self.config = config
        self.published_layout = (Rename(rf"model\.transformer\.resblocks\.{config.depth - 1}\..*"), *LAYOUT)
        self.clip = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=config.vocabulary,
                hidden_size=config.width,
                intermediate_size=4 * config.width,
                num_hidden_layers=config.depth - 1,
                num_attention_heads=config.heads,
                max_position_embeddings=TOKENS,
                hidden_act="gelu",
            )
        )
        # not in checkpoints, so it must not be on the meta device
        self.clip.embeddings.position_ids = torch.arange(TOKENS, device="cpu")[None]

    def forward(self, numbers: Tensor) -> Tensor:
        return self.clip(numbers).last_hidden_state


class Tokeniser:
    """Words → token numbers, by CLIP's vocabulary."""

    def __init__(self, folder: Path):
        """``folder``: with tokenizer.json, or vocab.json and merges.txt. Raises ModelError where they are missing or
        unreadable."""
        if not any(all((folder / name).is_file() for name in names) for names in TOKENISER_FILES):
            raise ModelError(
                f"{folder} holds no vocabulary, which the checkpoint does not contain",
                "Put CLIP's tokenizer.json, or its vocab.json and merges.txt, beside it; openai/clip-vit-large-patch14 has them",
            )
        from transformers import CLIPTokenizer

        try:
            self._tokeniser = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
        except Exception as error:  # the library raises many kinds, bare Exception among them
            raise ModelError(
                f"the vocabulary in {folder} cannot be read ({str(error).splitlines()[0] if str(error) else type(error).__name__})",
                "Get its files again",
            ) from error

    def __call__(self, words: str) -> Tensor:
        """Numbers (1, 77) int64: a start, the words in lower case, an end, zeros; what is too long is cut."""
        numbers = self._tokeniser.encode(words, add_special_tokens=False)[: TOKENS - 2]
        numbers = [self._tokeniser.bos_token_id, *numbers, self._tokeniser.eos_token_id]
        return torch.tensor([numbers + [PADDING] * (TOKENS - len(numbers))])
