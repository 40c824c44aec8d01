/**
 * The config of a machine that has none: two llama.cpp pools that serve one model, unlike in speed and price.
 * The pace makes the "gpu" three times as fast at 4.65 times the price, so that interactive work needs it and background
 * work is cheaper on the cpu. Both really run on this machine's CPU, and their names say so.
 */
export const DEMO_CONFIG = `
baseline: { model: claude-opus-4-6 }
pools:
  - name: demo-cpu
    silicon: cpu
    hardware: this machine's CPU
    engine: llama-cpp
    model: demo
    models: [{ id: signalbox-demo, tier: 0 }]
    slots: 4
    threads: 1
    context_tokens: 32768
    max_output_tokens: 256
    hourly_usd: 0.40
    demo_pace_ms: 18
  - name: demo-gpu
    silicon: gpu
    hardware: simulated GPU (this machine's CPU)
    engine: llama-cpp
    model: demo
    models: [{ id: signalbox-demo, tier: 0 }]
    slots: 4
    threads: 1
    gpu: off
    context_tokens: 32768
    max_output_tokens: 256
    hourly_usd: 1.86
    demo_pace_ms: 6
models:
  auto: { any_of: [signalbox-demo] }
sla:
  interactive: { ttft_ms: 1000, tpot_ms: 14 }
  standard: { ttft_ms: 5000, tpot_ms: 150 }
  background: { deadline_ms: 600000 }
routes:
  - { name: heartbeats-to-cpu, when: { task: [heartbeat, cron, poll] }, use: { silicon: [cpu] } }
  - { name: background, when: { sla: [background] }, use: {} }
  - { name: interactive, when: { sla: [interactive] }, use: {} }
`;
