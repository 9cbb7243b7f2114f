"""A language model on this machine: reading tool calls, and whole turns with a small one in transformers' format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from limner.agent import agent as agent_module
from limner.agent.agent import Agent
from limner.agent.local import conversation, read
from limner.agent.models import planner
from limner.errors import ModelError
from limner.memory.events import Reply
from limner.tools import language
from limner.tools.machine import Machine

from .test_agent import ToyStudio

CALL = {"name": "draw", "arguments": {"prompt": "a cat"}}
TEMPLATE = "{% for m in messages %}<{{ m['role'] }}>{% endfor %}<assistant>"
"""Only who spoke: so the small model can learn by heart what to answer to whom."""


@pytest.mark.parametrize(
    ("text", "words", "calls"),
    [
        (f"Sure.\n<tool_call>\n{json.dumps(CALL)}\n</tool_call>", "Sure.", [("draw", {"prompt": "a cat"})]),
        (f"<tool_call>{json.dumps(CALL)}", "", [("draw", {"prompt": "a cat"})]),
        (f"[TOOL_CALLS] [{json.dumps(CALL)}, {json.dumps(CALL)}]", "", [("draw", {"prompt": "a cat"})] * 2),
        ('<|python_tag|>{"name": "undo", "parameters": {"steps": 2}}', "", [("undo", {"steps": 2})]),
        ('{"name": "undo", "parameters": {}}', "", [("undo", {})]),
        ("Just words, a {brace} among them.", "Just words, a {brace} among them.", []),
        ('{"colour": "red"}', '{"colour": "red"}', []),
    ],
)
def test_tool_calls_are_read_as_models_write_them(text: str, words: str, calls: list[Any]) -> None:
    found_words, found = read(text)
    assert (found_words, [(name, json.loads(args)) for name, args in found]) == (words, calls)


def test_a_broken_call_keeps_its_text() -> None:
    assert read('<tool_call>{"name": "draw", "arguments": {]}</tool_call>')[1] == [
        ("draw", '{"name": "draw", "arguments": {]}')
    ]


def test_messages_become_what_templates_take() -> None:
    called = AIMessage("", tool_calls=[{"name": "draw", "args": {"prompt": "x"}, "id": "1"}])
    told = conversation(
        [SystemMessage("s"), HumanMessage("h"), called, ToolMessage("r", tool_call_id="1", name="draw")]
    )
    assert [turn["role"] for turn in told] == ["system", "user", "assistant", "tool"]
    assert told[2]["tool_calls"][0]["function"] == {"name": "draw", "arguments": {"prompt": "x"}}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer Llama that has learned by heart: call draw when asked, speak when a tool has answered."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    first = f"<tool_call>{json.dumps(CALL)}</tool_call>"
    texts = {"<system><user><assistant>": first, "<system><user><assistant><tool><assistant>": "Here it is!"}
    marks = ["<pad>", "<end>", "<system>", "<user>", "<assistant>", "<tool>"]
    signs = sorted(set("".join(texts.values())))
    raw = Tokenizer(models.WordLevel({sign: n for n, sign in enumerate([*marks, *signs])}, unk_token="<pad>"))
    raw.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    from tokenizers import decoders

    raw.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", eos_token="<end>", additional_special_tokens=marks[2:],
        chat_template=TEMPLATE,
    )  # fmt: skip
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=256,
            pad_token_id=0, eos_token_id=1, bos_token_id=None,
        )
    )  # fmt: skip
    rows = [tokenizer(asked, add_special_tokens=False)["input_ids"] for asked in texts]
    answers = [tokenizer(text + "<end>", add_special_tokens=False)["input_ids"] for text in texts.values()]
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(150):
        loss = sum(
            model(input_ids=torch.tensor([row + said]), labels=torch.tensor([[-100] * len(row) + said])).loss
            for row, said in zip(rows, answers, strict=True)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < 0.02:
            break
    folder = tmp_path_factory.mktemp("small")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_module, "Studio", ToyStudio)


def test_a_turn_with_a_model_of_ones_own(small: Path, tmp_path: Path) -> None:
    with Agent.open(home=tmp_path / "home", planner=f"huggingface:{small}") as agent:
        turn = agent.session().say("draw a cat")
        assert turn.take is not None and turn.take.prompt == "a cat" and turn.reply == "Here it is!"
        assert "".join(e.text for e in turn.events if isinstance(e, Reply) and not e.done) == "Here it is!"
        assert turn.usage is not None and turn.usage.calls == 2 and turn.usage.output_tokens > 60
        assert agent.sight is not None and not agent.sight.sees and agent.sight.host == ""


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_in_fewer_bits(small: Path, bits: str) -> None:
    pytest.importorskip("bitsandbytes")
    model = planner(f"huggingface:{small}@{bits}")
    layers = [type(layer).__name__ for layer in model.language.model.modules()]
    assert {"4bit": "Linear4bit", "8bit": "Linear8bitLt"}[bits] in layers
    assert isinstance(model.invoke([SystemMessage("s"), HumanMessage("h")]), AIMessage)


def test_what_this_machine_does_not_hold_is_said_first(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = (small / "model.safetensors").stat().st_size
    for share, device, bits in ((1.0, "cpu", "full"), (0.5, "mps", "full"), (0.4, "cuda", "8bit"), (0.2, "cuda", "")):
        tight = Machine(device, "a machine", int(share * size), 10**9, 1)
        monkeypatch.setattr(language, "machine", lambda tight=tight: tight)
        with pytest.raises(ModelError, match="takes about") as caught:
            language.Language.load(str(small), bits)
        assert ("@4bit" in caught.value.hint) == bool(bits)


def test_where_it_goes() -> None:
    """Also on Apple's GPUs, and on NVIDIA's of before 2020 with the 16 bits that they multiply."""
    import torch

    old, apple = Machine("cuda", "x", 1, 1, 1, "float16"), Machine("mps", "x", 1, 1, 1)
    assert language._precision("4bit", old)["quantization_config"].bnb_4bit_compute_dtype == torch.float16
    assert language._precision("full", apple) == {"device_map": {"": "mps"}, "dtype": torch.bfloat16}
    assert language._precision("full", Machine("cpu", "x", 1, 1, 1)) == {"dtype": torch.float32}


def test_hushed(small: Path) -> None:
    model = planner(f"huggingface:{small}")
    pieces = model.stream([SystemMessage("s"), HumanMessage("h")])
    next(pieces)
    model.hush()
    assert sum(1 for _ in pieces) < 60


def test_what_is_no_language_model(small: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no usable language model"):
        planner("huggingface:nobody/nothing")
    with pytest.raises(ModelError, match="no usable language model"):
        planner(f"huggingface:{tmp_path}")
    copied = tmp_path / "copy"
    copied.mkdir()
    for file in small.iterdir():
        if file.name != "chat_template.jinja":
            (copied / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match="no chat template"):
        planner(f"huggingface:{copied}")
