"""Models that nobody here wrote, small, and what each family calls a residual block and its shortcut.

Run as a script, it writes a digest of the weights of the models named, started by `init_`.
"""

import hashlib
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import timm
import torch
import transformers
from timm.models import convnext, mlp_mixer, nfnet, resnetv2, vision_transformer
from torch import Tensor, nn
from torchvision import models as vision
from torchvision.models import convnext as cnblock
from torchvision.models import mobilenetv3, resnet, swin_transformer
from torchvision.models import vision_transformer as vit
from transformers.models.bert import modeling_bert
from transformers.models.gemma2 import modeling_gemma2
from transformers.models.gpt2 import modeling_gpt2
from transformers.models.gpt_neox import modeling_gpt_neox
from transformers.models.llama import modeling_llama
from transformers.models.olmo2 import modeling_olmo2
from transformers.models.t5 import modeling_t5
from transformers.models.vit import modeling_vit

import zero_array.torch

Shortcut = Callable[[Any, Tensor], Tensor | None]
"""What a block would return if its branch were not there, from the block and what it is given; None: it has none."""


class Model(NamedTuple):
    """A model of the zoo.

    Attributes
    ----------
    make : callable
        Makes it, with random weights.
    inputs : callable
        Makes a batch for it: a tensor, or a dict to pass by keyword.
    shortcuts : dict of type to callable
        The classes of its residual blocks, with the shortcut of each.
    blocks : int
        How many it has.
    traced : bool
        Whether `init_` can do without example inputs.
    options : dict
        What `init_` needs beside the example inputs.
    """

    make: Callable[[], nn.Module]
    inputs: Callable[[], Any]
    shortcuts: Mapping[type[nn.Module], Shortcut]
    blocks: int
    traced: bool = True
    options: Mapping[str, Any] = {}


def images() -> Tensor:
    """A batch of four random images."""
    return torch.randn(4, 3, 64, 64)


def named_images() -> dict[str, Tensor]:
    """The same, as transformers has it."""
    return {"pixel_values": images()}


def words() -> dict[str, Tensor]:
    """A batch of two random texts; no word is padding."""
    return {"input_ids": torch.randint(3, 50, (2, 8))}


def dialogues() -> dict[str, Tensor]:
    """A batch of two random texts, and two shorter ones to be written."""
    return {**words(), "decoder_input_ids": torch.randint(3, 50, (2, 6))}


def same(block: Any, given: Tensor) -> Tensor:  # noqa: ARG001  # as the others
    """The block is the identity."""
    return given


def inverted(block: Any, given: Tensor) -> Tensor | None:
    """MobileNet's: the identity, where the shape stays."""
    return given if block.use_res_connect else None


def downsampled(block: Any, given: Tensor) -> Tensor:
    """ResNet's: a projection where the shape changes, and a ReLU behind the sum."""
    return torch.relu(given if block.downsample is None else block.downsample(given))


def preactivated(block: Any, given: Tensor) -> Tensor:
    """The projection sees what the branch sees: the norm of the input."""
    return given if block.downsample is None else block.downsample(block.norm1(given))


def scaled(block: Any, given: Tensor) -> Tensor:
    """The same of the networks without norms: an activation of the input, scaled."""
    return given if block.downsample is None else block.downsample(block.act1(given) * block.beta)


def normed(block: Any, given: Tensor) -> Tensor:
    """The norms behind both sums of a BERT layer."""
    return block.output.LayerNorm(block.attention.output.LayerNorm(given))


RESNET: dict[type[nn.Module], Shortcut] = {resnet.BasicBlock: downsampled, resnet.Bottleneck: downsampled}
SWIN: dict[type[nn.Module], Shortcut] = {
    swin_transformer.SwinTransformerBlock: same,
    swin_transformer.SwinTransformerBlockV2: same,
}
T5: dict[type[nn.Module], Shortcut] = {
    modeling_t5.T5LayerSelfAttention: same,
    modeling_t5.T5LayerCrossAttention: same,
    modeling_t5.T5LayerFF: same,
}
SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
TEXT = {"vocab_size": 50, "max_position_embeddings": 32, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}


def of_transformers(name: str, config: str, **options: Any) -> Callable[[], nn.Module]:
    """A model of transformers from its config: no weights are fetched."""
    return lambda: getattr(transformers, name)(getattr(transformers, config)(**options))


_resnet = partial(vision.ResNet, resnet.Bottleneck, [3, 4, 6, 3], num_classes=10)
_mobilenet = {"dropout": 0.0, "num_classes": 10}
_nfnet = {"channels": (256, 256, 512, 512), "depths": (1, 2, 2, 1), "num_features": 512, "num_classes": 10}
_swin = {
    "patch_size": [4, 4],
    "embed_dim": 24,
    "depths": [2, 2],
    "num_heads": [2, 4],
    "window_size": [4, 4],
    "stochastic_depth_prob": 0.0,
    "num_classes": 10,
}
_llama = partial(of_transformers, "LlamaForCausalLM", "LlamaConfig", num_key_value_heads=2, **SMALL, **TEXT)
_llama_blocks: dict[type[nn.Module], Shortcut] = {modeling_llama.LlamaDecoderLayer: same}

ZOO = {
    "resnet18": Model(partial(vision.resnet18, num_classes=10), images, RESNET, 8),
    "resnet50": Model(partial(_resnet, width_per_group=16), images, RESNET, 16),
    "resnext50": Model(partial(_resnet, groups=8, width_per_group=4), images, RESNET, 16),
    "mobilenet_v3_small": Model(
        partial(vision.mobilenet_v3_small, **_mobilenet), images, {mobilenetv3.InvertedResidual: inverted}, 6
    ),
    "mobilenet_v3_large": Model(
        partial(vision.mobilenet_v3_large, **_mobilenet), images, {mobilenetv3.InvertedResidual: inverted}, 10
    ),
    "densenet121": Model(
        partial(vision.DenseNet, growth_rate=8, block_config=(6, 12, 24, 16), num_init_features=16, num_classes=10),
        images,
        {},
        0,
    ),
    "convnext_tiny": Model(
        partial(
            vision.ConvNeXt,
            [cnblock.CNBlockConfig(24, 48, 3), cnblock.CNBlockConfig(48, 96, 3), cnblock.CNBlockConfig(96, None, 3)],
            num_classes=10,
        ),
        images,
        {cnblock.CNBlock: same},
        9,
    ),
    "vit_b_16": Model(
        partial(
            vision.VisionTransformer,
            image_size=64,
            patch_size=16,
            num_layers=2,
            num_heads=4,
            hidden_dim=32,
            mlp_dim=64,
            num_classes=10,
        ),
        images,
        {vit.EncoderBlock: same},
        2,
    ),
    "swin_t": Model(partial(vision.SwinTransformer, **_swin), images, SWIN, 4, traced=False),
    "swin_v2_t": Model(
        partial(
            vision.SwinTransformer,
            block=swin_transformer.SwinTransformerBlockV2,
            downsample_layer=swin_transformer.PatchMergingV2,
            **_swin,
        ),
        images,
        SWIN,
        4,
        traced=False,
        options={"overrides": {"*.logit_scale": "untouched"}},
    ),
    "timm_resnetv2": Model(
        partial(timm.create_model, "resnetv2_50", channels=(64, 128, 256, 512), stem_chs=16, num_classes=10),
        images,
        {resnetv2.PreActBottleneck: preactivated},
        16,
    ),
    "timm_bit": Model(
        partial(timm.create_model, "resnetv2_50x1_bit", channels=(128, 256, 512, 1024), stem_chs=32, num_classes=10),
        images,
        {resnetv2.PreActBottleneck: preactivated},
        16,
    ),
    "timm_vit": Model(
        partial(timm.create_model, "vit_tiny_patch16_224", img_size=64, depth=2, num_classes=10),
        images,
        {vision_transformer.Block: same},
        2,
        traced=False,
    ),
    "timm_mixer": Model(
        partial(mlp_mixer.MlpMixer, img_size=64, num_blocks=3, embed_dim=32, num_classes=10),
        images,
        {mlp_mixer.MixerBlock: same},
        3,
    ),
    "timm_convnext": Model(
        partial(timm.create_model, "convnext_atto", num_classes=10), images, {convnext.ConvNeXtBlock: same}, 12
    ),
    "timm_nfnet": Model(partial(timm.create_model, "nfnet_l0", **_nfnet), images, {nfnet.NormFreeBlock: scaled}, 6),
    "timm_dm_nfnet": Model(
        partial(timm.create_model, "dm_nfnet_f0", **_nfnet), images, {nfnet.NormFreeBlock: scaled}, 6, traced=False
    ),
    "bert": Model(
        of_transformers("BertForSequenceClassification", "BertConfig", **SMALL, **NO_DROPOUT, **TEXT),
        words,
        {modeling_bert.BertLayer: normed},
        2,
    ),
    "gpt2": Model(
        of_transformers(
            "GPT2LMHeadModel",
            "GPT2Config",
            n_embd=32,
            n_layer=2,
            n_head=4,
            n_positions=32,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            **{key: value for key, value in TEXT.items() if key != "max_position_embeddings"},
        ),
        words,
        {modeling_gpt2.GPT2Block: same},
        2,
    ),
    "gpt_neox": Model(
        of_transformers("GPTNeoXForCausalLM", "GPTNeoXConfig", **SMALL, **TEXT),
        words,
        {modeling_gpt_neox.GPTNeoXLayer: same},
        2,
    ),
    "llama": Model(_llama(), words, _llama_blocks, 2),
    "llama_eager": Model(_llama(attn_implementation="eager"), words, _llama_blocks, 2),
    "gemma2": Model(
        of_transformers("Gemma2ForCausalLM", "Gemma2Config", num_key_value_heads=2, head_dim=8, **SMALL, **TEXT),
        words,
        {modeling_gemma2.Gemma2DecoderLayer: same},
        2,
    ),
    "olmo2": Model(
        of_transformers("Olmo2ForCausalLM", "Olmo2Config", **SMALL, **TEXT),
        words,
        {modeling_olmo2.Olmo2DecoderLayer: same},
        2,
        options={"branch_end": "norm"},
    ),
    "t5": Model(
        of_transformers(
            "T5ForConditionalGeneration",
            "T5Config",
            vocab_size=50,
            d_model=32,
            d_kv=8,
            d_ff=64,
            num_layers=2,
            num_heads=4,
            dropout_rate=0.0,
        ),
        dialogues,
        T5,
        10,
    ),
    "hf_vit": Model(
        of_transformers("ViTForImageClassification", "ViTConfig", image_size=64, **SMALL, **NO_DROPOUT),
        named_images,
        {modeling_vit.ViTLayer: same},
        2,
        traced=False,
    ),
}


def built(name: str) -> tuple[nn.Module, Any]:
    """A model of the zoo with its batch, the same ones every time."""
    torch.manual_seed(0)
    return ZOO[name].make(), ZOO[name].inputs()


def called(model: nn.Module, batch: Any) -> Tensor:
    """What a model makes of a batch: the logits."""
    result = model(**batch) if isinstance(batch, dict) else model(batch)
    return result if isinstance(result, Tensor) else result.logits


def digest(model: nn.Module) -> str:
    """A hash of all parameters and buffers, with their names."""
    found = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        found.update(name.encode())
        found.update(tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def main(names: list[str]) -> None:
    """Write the digest of each model."""
    for name in names:
        model, batch = built(name)
        zero_array.torch.init_(model, example_inputs=batch, **ZOO[name].options)
        sys.stdout.write(f"{name} {digest(model)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
