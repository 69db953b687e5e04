#!/usr/bin/env python3
"""The same training step in PyTorch, for the table of check-gpu: presets and top-k as in vanpool, experts as
its users write them (tokens sorted by expert, one product an expert), eager, under torch.compile, and with
torch's grouped product where there is one. One line for each; nothing where torch is missing."""
import statistics
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


class Norm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return x * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-5).to(x.dtype) * self.gain


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
    def __init__(self, d, experts, hidden, k, grouped):
        super().__init__()
        self.k, self.experts, self.grouped = k, experts, grouped
        self.router = nn.Linear(d, experts, bias=False)
        self.up = nn.Parameter(torch.randn(experts, d, 2 * hidden) / d**0.5)
        self.down = nn.Parameter(torch.randn(experts, hidden, d) / hidden**0.5)

    def forward(self, x):
        shape, x = x.shape, x.reshape(-1, x.shape[-1])
        prob = self.router(x).float().softmax(-1)
        gate, pick = prob.topk(self.k, -1)
        gate = (gate / gate.sum(-1, keepdim=True)).to(x.dtype).reshape(-1)
        order = pick.reshape(-1).argsort(stable=True)
        token = order // self.k
        count = torch.bincount(pick.reshape(-1), minlength=self.experts)
        rows = x[token]
        if self.grouped:
            ends = count.cumsum(0).to(torch.int32)
            up = torch._grouped_mm(rows, self.up.to(rows.dtype), offs=ends)
            a, b = up.chunk(2, -1)
            out = torch._grouped_mm(F.silu(a) * b, self.down.to(rows.dtype), offs=ends)
        else:
            parts = []
            for e, part in enumerate(rows.split(count.tolist())):
                a, b = (part @ self.up[e].to(part.dtype)).chunk(2, -1)
                parts.append((F.silu(a) * b) @ self.down[e].to(part.dtype))
            out = torch.cat(parts)
        y = torch.zeros_like(x).index_add_(0, token, out.to(x.dtype) * gate[order, None])
        load = (count / count.sum() * prob.mean(0)).sum() * self.experts
        return y.view(shape), load


class Model(nn.Module):
    def __init__(self, layers, d, heads, context, experts, hidden, k, grouped):
        super().__init__()
        self.embed, self.head = nn.Embedding(256, d), nn.Linear(d, 256, bias=False)
        self.norms = nn.ModuleList(Norm(d) for _ in range(2 * layers + 1))
        self.attention = nn.ModuleList(Attention(d, heads, context) for _ in range(layers))
        self.moe = nn.ModuleList(Experts(d, experts, hidden, k, grouped) for _ in range(layers))

    def forward(self, ids, label):
        x, load = self.embed(ids), 0
        for i, (attention, moe) in enumerate(zip(self.attention, self.moe)):
            x = x + attention(self.norms[2 * i](x))
            y, balance = moe(self.norms[2 * i + 1](x))
            x, load = x + y, load + balance
        logits = self.head(self.norms[-1](x)).float()
        return F.cross_entropy(logits.view(-1, 256), label.reshape(-1)) + 0.01 * load


def step_ms(preset, k, how, device, half, steps):
    layers, d, heads, context, experts, hidden, sequences = PRESETS[preset]
    model = Model(layers, d, heads, context, experts, hidden, k, how == "grouped").to(device)
    call = torch.compile(model) if how == "compile" else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95))
    ids = torch.randint(0, 256, (sequences, context + 1), device=device)
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        with torch.autocast(device, dtype=torch.bfloat16, enabled=half):
            loss = call(ids[:, :-1].contiguous(), ids[:, 1:].contiguous())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times[steps // 4 :]), sequences * context


def main():
    quick = "quick" in sys.argv
    device = "cuda" if torch.cuda.is_available() else "cpu"
    name = torch.cuda.get_device_name() if device == "cuda" else "the CPU"
    ways = ["eager"] + [w for w, has in (("compile", hasattr(torch, "compile")),
                                         ("grouped", hasattr(torch, "_grouped_mm"))) if has and device == "cuda"]
    print(f"\nPyTorch {torch.__version__} on {name}, the same step\npreset   k  precision  way        ms/step     tok/s")
    for preset in ("tiny",) if quick else PRESETS:
        for k in (1,) if quick else (8, 4, 2, 1):
            for how in ways:
                for half in (False, True) if device == "cuda" else (False,):
                    if how == "grouped" and not half:
                        continue  # bf16 only
                    try:
                        ms, tokens = step_ms(preset, k, how, device, half, 4 if quick else 20)
                        print(f"{preset:7} {k:2}  {'bf16' if half else 'float32':9}  {how:8} {ms:9.3f} {tokens / ms * 1e3:9.0f}", flush=True)
                    except Exception as why:  # a way that this torch does not have is no failure of ours
                        print(f"{preset:7} {k:2}  {'bf16' if half else 'float32':9}  {how:8} not measured: {str(why).splitlines()[0][:80] if str(why) else type(why).__name__}", flush=True)


main()
