"""The hooks by which transformers, timm and Lightning let others start their models, as docs/recipes.md shows them."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import transformers
from timm.models import named_apply
from torch import nn
from zoo import digest

import zero_array.torch


class Model(transformers.BertForSequenceClassification):
    """A model that starts as ZerO says, but for what `from_pretrained` loads."""

    def initialize_weights(self) -> None:
        """Start what is not loaded."""
        super().initialize_weights()
        zero_array.torch.init_(self, head="algorithm1")


def config() -> Any:
    """A small BERT."""
    return transformers.BertConfig(
        vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, num_labels=64
    )


def test_transformers_from_config() -> None:
    """A new model is started whole."""
    model = Model(config())
    assert bool((model.bert.encoder.layer[1].output.dense.weight == 0).all())
    assert torch.equal(model.classifier.weight, zero_array.zero_init((64, 32), xp=torch))


def test_transformers_from_pretrained(tmp_path: Path) -> None:
    """Of a loaded model, only what the file does not hold is started."""
    base = transformers.BertModel(config())
    base.save_pretrained(tmp_path)
    model = Model.from_pretrained(tmp_path, num_labels=64)
    for name, tensor in base.state_dict().items():
        assert torch.equal(model.bert.state_dict()[name], tensor), name
    assert torch.equal(model.classifier.weight, zero_array.zero_init((64, 32), xp=torch))


def test_timm_named_apply() -> None:
    """`named_apply` calls the initializer for every module, which does what `init_` does."""
    images = torch.zeros(1, 3, 64, 64)
    first, second = (timm.create_model("vit_tiny_patch16_224", img_size=64, depth=2) for _ in range(2))
    second.load_state_dict(first.state_dict())
    plan = zero_array.torch.init_(first, example_inputs=images)
    named_apply(zero_array.torch.initializer(second, plan), second)
    assert digest(first) == digest(second)


@pytest.mark.filterwarnings("ignore")  # Lightning's own
def test_lightning() -> None:
    """A LightningModule starts its model in `configure_model`, on the trainer's device and in its dtype."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lightning

    class Classifier(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))

        def configure_model(self) -> None:
            zero_array.torch.init_(self.model)

        def training_step(self, batch: Any, number: int) -> Any:  # noqa: ARG002  # as Lightning calls it
            images, labels = batch
            return nn.functional.cross_entropy(self.model(images), labels)

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.0)

    module = Classifier()
    data = torch.utils.data.TensorDataset(torch.ones(8, 64), torch.zeros(8, dtype=torch.int64))
    quiet: dict[str, Any] = {"enable_progress_bar": False, "enable_checkpointing": False, "logger": False}
    trainer = lightning.Trainer(max_steps=1, accelerator="cpu", enable_model_summary=False, **quiet)
    trainer.fit(module, torch.utils.data.DataLoader(data, batch_size=8))
    assert torch.equal(module.model[1].weight, zero_array.zero_init((128, 64), xp=torch))
