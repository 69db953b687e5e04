#!/usr/bin/env python3
"""The same training step in PyTorch, for the table of check-gpu: the presets, top-k and AdamW of vanpool, in the ways
that people write a mixture of experts. One line a measurement, as in tests/gpu/times.c; nothing where torch is missing.

Ways: `sorted` (tokens sorted by expert, one product an expert), `padded` (one batched product, as wide as the fullest
expert), `grouped` (torch's grouped product: bfloat16, how many rows an expert has stays on the device), eager and, but
for `sorted`, with `+compile` under torch.compile; `grouped+graphs` is compiled with mode="reduce-overhead" (CUDA graphs).
Where this is easier on torch: its batch stays on the device, and it does not clip its gradient.

  peer_torch.py [--device cuda|cpu] [--presets tiny,base,gpu] [--quick]
"""
import argparse
import sys
import time

try:
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
except ImportError:
    print("SKIP peer: no PyTorch here")
    sys.exit(0)

PRESETS = {  # layers, width, heads, context, experts, hidden, sequences: as in core/model/config.c
    "tiny": (2, 64, 4, 64, 8, 64, 16),
    "base": (4, 128, 4, 128, 8, 256, 16),
    "gpu": (8, 512, 8, 512, 16, 1024, 64),
}
grouped_mm = getattr(F, "grouped_mm", None) or getattr(torch, "_grouped_mm", None)


class Norm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(d))

    def forward(self, x):
        if hasattr(F, "rms_norm"):
            return F.rms_norm(x, x.shape[-1:], self.gain.to(x.dtype), 1e-5)
        return x * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-5).to(x.dtype) * self.gain.to(x.dtype)


class Attention(nn.Module):
    def __init__(self, d, heads, context):
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d, bias=False)
        half = d // heads // 2
        angle = torch.outer(torch.arange(context), 10000.0 ** (-torch.arange(half) / half))
        self.register_buffer("cos", angle.cos())
        self.register_buffer("sin", angle.sin())
        self.register_buffer("past", torch.ones(context, context, dtype=torch.bool).tril())

    def turn(self, x):
        a, b = x.chunk(2, -1)
        cos, sin = self.cos.to(x.dtype), self.sin.to(x.dtype)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

    def forward(self, x):
        B, C, D = x.shape
        q, k, v = (t.view(B, C, self.heads, -1).transpose(1, 2) for t in self.qkv(x).chunk(3, -1))
        q, k = self.turn(q), self.turn(k)
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            s = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).masked_fill(~self.past, float("-inf"))
            y = s.softmax(-1) @ v
        return self.out(y.transpose(1, 2).reshape(B, C, D))


class Experts(nn.Module):
    def __init__(self, d, experts, hidden, k, way, kind):
        super().__init__()
        self.k, self.experts, self.way, self.kind = k, experts, way, kind
        self.router = nn.Linear(d, experts, bias=False)
        self.up = nn.Parameter(torch.randn(experts, 2 * hidden, d) / d**0.5)
        self.down = nn.Parameter(torch.randn(experts, d, hidden) / hidden**0.5)

    def by_sorted(self, rows, up, down, count, _pick):
        parts = []
        ups, downs = up.unbind(0), down.unbind(0)  # up[e] would make a gradient of full size for each expert
        for e, part in enumerate(rows.split(count.tolist())):
            a, b = F.linear(part, ups[e]).chunk(2, -1)
            parts.append(F.linear(F.silu(a) * b, downs[e]))
        return torch.cat(parts)

    def by_padded(self, rows, up, down, count, pick):
        room = int(count.max())
        at = torch.arange(len(rows), device=rows.device) + (torch.arange(self.experts, device=rows.device) * room
                                                             - (count.cumsum(0) - count))[pick]
        box = rows.new_zeros(self.experts * room, rows.shape[-1]).index_copy(0, at, rows)
        a, b = torch.bmm(box.view(self.experts, room, -1), up.transpose(1, 2)).chunk(2, -1)
        return torch.bmm(F.silu(a) * b, down.transpose(1, 2)).flatten(0, 1).index_select(0, at)

    def by_grouped(self, rows, up, down, count, _pick):
        ends = count.cumsum(0).to(torch.int32)
        a, b = grouped_mm(rows, up.transpose(1, 2), offs=ends).chunk(2, -1)
        return grouped_mm(F.silu(a) * b, down.transpose(1, 2), offs=ends)

    def forward(self, x):
        shape, x = x.shape, x.reshape(-1, x.shape[-1])
        with torch.autocast(x.device.type, enabled=False):  # a router chooses in float32
            prob = F.linear(x.float(), self.router.weight).softmax(-1)
        gate, pick = prob.topk(self.k, -1)
        gate = (gate / gate.sum(-1, keepdim=True)).reshape(-1)
        pick = pick.reshape(-1)
        order = pick.argsort(stable=True)
        token = order // self.k
        count = torch.zeros(self.experts, dtype=torch.int64, device=x.device).scatter_add_(0, pick, torch.ones_like(pick))
        rows = x.to(self.kind).index_select(0, token)
        out = getattr(self, "by_" + self.way)(rows, self.up.to(self.kind), self.down.to(self.kind), count, pick[order])
        y = torch.zeros_like(x).index_add(0, token, (out * gate[order, None].to(self.kind)).to(x.dtype))
        load = (count / len(pick) * prob.mean(0)).sum() * self.experts
        return y.view(shape), load


class Model(nn.Module):
    def __init__(self, layers, d, heads, context, experts, hidden, k, way, kind):
        super().__init__()
        self.embed, self.head = nn.Embedding(256, d), nn.Linear(d, 256, bias=False)
        self.norms = nn.ModuleList(Norm(d) for _ in range(2 * layers + 1))
        self.attention = nn.ModuleList(Attention(d, heads, context) for _ in range(layers))
        self.moe = nn.ModuleList(Experts(d, experts, hidden, k, way, kind) for _ in range(layers))

    def forward(self, ids, label):
        x, load = self.embed(ids), 0
        for i, (attention, moe) in enumerate(zip(self.attention, self.moe)):
            x = x + attention(self.norms[2 * i](x))
            y, balance = moe(self.norms[2 * i + 1](x))
            x, load = x + y, load + balance
        logits = self.head(self.norms[-1](x)).float()
        return F.cross_entropy(logits.view(-1, 256), label.reshape(-1)) + 0.01 * load


def adamw(model, device):
    words = dict(lr=1e-3, betas=(0.9, 0.95))
    try:
        return torch.optim.AdamW(model.parameters(), fused=device == "cuda", **words)
    except (TypeError, RuntimeError):
        return torch.optim.AdamW(model.parameters(), **words)


def measure(preset, k, math, way, device, quick):
    """Milliseconds of steps, each waited for, after some that were not counted."""
    layers, d, heads, context, experts, hidden, sequences = PRESETS[preset]
    if quick:
        sequences = 1
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = math == "tf32"
    base, _, how = way.partition("+")
    model = Model(layers, d, heads, context, experts, hidden, k, base,
                  torch.bfloat16 if math == "bf16" else torch.float32).to(device)
    call = model
    if how:
        torch._dynamo.reset()
        call = torch.compile(model, mode="reduce-overhead" if how == "graphs" else "default")
    optimizer = adamw(model, device)
    ids = torch.randint(0, 256, (sequences, context + 1), device=device)
    given, label = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    warm, least, most, enough = (1, 2, 2, 0) if quick else (8 if how else 5, 8, 100, 1000)
    times = []
    while len(times) < warm + least or (len(times) < warm + most and sum(times[warm:]) < enough):
        wait()
        start = time.perf_counter()
        if how == "graphs":
            torch.compiler.cudagraph_mark_step_begin()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=math == "bf16"):
            loss = call(given, label)
        loss.backward()
        optimizer.step()
        wait()
        times.append(1e3 * (time.perf_counter() - start))
    if not torch.isfinite(loss):
        raise RuntimeError("the loss is not finite")
    numbers = sum(p.numel() for p in model.parameters())
    return sequences * context, numbers, times[warm:]


def ways(math, device, plain_only):
    """All that this torch has; grouped products are in bfloat16 only."""
    plain = ["sorted", "padded"] + (["grouped"] if grouped_mm and math == "bf16" else [])
    yield from plain
    if hasattr(torch, "compile") and not plain_only:  # of `sorted` it would compile each step's sizes anew
        yield from (w + "+compile" for w in plain if w != "sorted")
        if "grouped" in plain and device == "cuda":
            yield "grouped+graphs"


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args.add_argument("--presets", default=",".join(PRESETS))
    args.add_argument("--quick", action="store_true", help="a few small steps: for a test of this script")
    a = args.parse_args()
    who = "torch-" + torch.__version__.split("+")[0]
    for preset in a.presets.split(","):
        experts = PRESETS[preset][4]
        for math in ("bf16", "tf32", "fp32") if a.device == "cuda" else ("bf16", "fp32"):
            plain = a.quick or a.device == "cuda" and (math == "fp32" or math == "tf32" and preset == "gpu")
            for way in ways(math, a.device, plain):  # compiled where it may win
                for k in (2,) if a.quick or "+" in way or math != "bf16" else (8, 4, 2, 1):
                    name = f"{who} {preset} {experts} {k} {math} {way}"
                    try:
                        tokens, numbers, ms = measure(preset, k, math, way, a.device, a.quick)
                        print("step", name, tokens, 0, numbers, *(f"{t:.4f}" for t in ms), flush=True)
                    except Exception as why:  # a way that this torch does not have is no failure of ours
                        text = (str(why).splitlines() or [""])[0][:100] or type(why).__name__
                        print("none", name, text, flush=True)


if __name__ == "__main__":
    main()
