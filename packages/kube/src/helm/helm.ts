// SPDX-License-Identifier: Apache-2.0
// Runs helm: located, with nothing of the runner's own helm settings, output kept from the log.
import { posix } from 'node:path';
import type { CommandResult, Context } from '@pratique/core';
import { renderArguments, rollbackArguments, uninstallArguments, upgradeArguments, type ChartSource, type HelmTarget, type UpgradeOptions } from './arguments.ts';
import { helmFailure } from './failure.ts';
import { openRouteKeeper } from './route-keeper.ts';

/** Helm for one namespace of one cluster. Fails with `HELM_FAILED`, `HELM_PENDING`, `KUBE_*` and `TOOL_*`. */
export interface Helm {
  readonly target: HelmTarget;
  /** The manifest that the chart renders, without hooks and tests. It may hold Secrets. */
  render(options: ChartSource & { readonly release: string; readonly upgrade: boolean }): Promise<string>;
  upgrade(options: UpgradeOptions): Promise<void>;
  rollback(options: Parameters<typeof rollbackArguments>[1]): Promise<void>;
  uninstall(options: Parameters<typeof uninstallArguments>[1]): Promise<void>;
}

/** `registryConfig`: path of a docker config for charts in a registry. `renew`: called before each command, to write the kubeconfig anew. */
export function createHelm(ctx: Pick<Context, 'exec' | 'tools' | 'scratch' | 'files' | 'clock'>, target: HelmTarget & { readonly registryConfig?: string; readonly renew?: () => Promise<void> }): Helm {
  // Folders of its own: plugins, repositories and credentials of the machine play no part.
  const env = Object.fromEntries(['CACHE', 'CONFIG', 'DATA'].map((what) => [`HELM_${what}_HOME`, posix.join(ctx.scratch, 'helm', what.toLowerCase())]));
  const settings = { ...env, ...(target.registryConfig === undefined ? {} : { HELM_REGISTRY_CONFIG: target.registryConfig }) };
  const run = async (args: readonly string[], timeoutSeconds: number, more: Readonly<Record<string, string>> = {}): Promise<CommandResult> => {
    const { path } = await ctx.tools.locate('helm');
    await target.renew?.();
    const result = await ctx.exec.run({ file: path, args, env: { ...settings, ...more }, timeoutSeconds });
    if (result.exitCode !== 0) throw helmFailure(result, `helm ${args.slice(0, 2).join(' ')}`);
    return result;
  };
  // Helm's own limit holds for each hook; ours for the whole command.
  const longest = (timeoutSeconds: number): number => timeoutSeconds * 2 + 60;
  return {
    target,
    render: async (options) => (await run(renderArguments(target, options), 120)).stdout,
    async upgrade(options) {
      const args = upgradeArguments(target, options);
      if (options.postRenderer === undefined) return void (await run(args, longest(options.timeoutSeconds)));
      const keeper = await openRouteKeeper(ctx, options.postRenderer);
      const done = new AbortController();
      const served = keeper.serve(done.signal).then(() => undefined, (thrown: unknown) => ({ thrown }));
      const ended = await run(args, longest(options.timeoutSeconds), { HELM_PLUGINS: keeper.folder }).then(() => undefined, (thrown: unknown) => ({ thrown }));
      done.abort();
      // Why the answer was refused says more than that helm got none.
      const failed = (await served) ?? ended;
      if (failed !== undefined) throw failed.thrown;
    },
    rollback: async (options) => void (await run(rollbackArguments(target, options), longest(options.timeoutSeconds))),
    uninstall: async (options) => void (await run(uninstallArguments(target, options), longest(options.timeoutSeconds))),
  };
}
