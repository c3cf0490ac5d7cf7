// SPDX-License-Identifier: Apache-2.0
// The one way into the cluster's network: a pair of interfaces with two addresses. No default route inside, nothing that pods send gets out; the machine's side
// forwards chosen loopback ports (the lab's registries), which inside are found under the same 127.0.0.1:PORT.
import { randomInt } from 'node:crypto';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { Failure } from '@pratique/core';
import { runProgram } from './program.ts';

/** Addresses of services and pods; only inside. */
export const serviceRange = '10.96.0.0/16';
/** See `serviceRange`. */
export const podRange = '10.244.0.0/16';

/** The interface pair. */
export interface Link {
  /** Name of the machine's end. */
  readonly name: string;
  /** The cluster's end: API server, gateway, Prometheus. */
  readonly inside: string;
  /** The machine's end. */
  readonly outside: string;
  /** Lets 127.0.0.1:PORT inside be 127.0.0.1:PORT of this machine. */
  forward(ports: readonly number[]): Promise<void>;
  close(): Promise<void>;
}

const most = 64;

/** Makes it, into the network namespace of the process `first`; 64 clusters on one machine get different ones. */
export async function openLink(first: number): Promise<Link> {
  const [number, start] = [String(first), randomInt(most)];
  for (let tried = 0; tried < most; tried += 1) {
    const index = (start + tried) % most;
    const name = `pq-lab-${index}`;
    const made = await runProgram('ip', ['link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', number]);
    if (made.exitCode !== 0 && made.stderr.includes('exists')) continue;
    if (made.exitCode !== 0) throw unsupported(made.stderr);
    const [outside, inside] = [`10.203.${index}.1`, `10.203.${index}.2`];
    for (const args of [['address', 'add', `${outside}/30`, 'dev', name], ['link', 'set', name, 'up']]) await ip(args);
    await enter(number, ['sh', '-ec', insideScript(inside)]);
    const closers: (() => void)[] = [];
    return {
      name, inside, outside,
      forward: (ports) => forward(ports, { closers, first: number, outside }),
      async close() {
        for (const each of closers) each();
        // It would go with its namespace, but some moments later.
        await ip(['link', 'delete', name]);
      },
    };
  }
  throw unsupported(`all of ${most} links are taken`);
}

// Addresses of services need a route before their rules are asked; behind `lo` nobody answers for those without rules. What pods send stays inside.
const insideScript = (inside: string): string => `ip link set lo up
ip address add ${inside}/30 dev eth0
ip link set eth0 up
ip route add ${serviceRange} dev lo src ${inside}
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
iptables -w -A FORWARD -o eth0 -j DROP`;

async function forward(ports: readonly number[], { closers, first, outside }: { closers: (() => void)[]; first: string; outside: string }): Promise<void> {
  for (const port of ports) closers.push(await forwardPort(outside, port));
  const rules = [
    ['OUTPUT', '-d', '127.0.0.1/32', '-p', 'tcp', '-m', 'multiport', '--dports', ports.join(','), '-j', 'DNAT', '--to-destination', outside],
    ['POSTROUTING', '-s', '127.0.0.0/8', '-o', 'eth0', '-j', 'MASQUERADE'],
  ];
  for (const rule of rules) await enter(first, ['iptables', '-w', '-t', 'nat', '-A', ...rule]);
}

/** Gives the function that ends it. */
async function forwardPort(host: string, port: number): Promise<() => void> {
  const open = new Set<Socket>();
  const server: Server = createServer((from) => {
    const to = connect(port, '127.0.0.1');
    // One side that ends or fails ends the other; the client sees a closed connection.
    for (const [one, other] of [[from, to], [to, from]] as const) {
      open.add(one);
      one.on('error', () => other.destroy()).on('close', () => open.delete(one) && other.destroy()).pipe(other);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new Failure({ code: 'LAB_PORT_TAKEN', message: `Cannot listen on ${host}:${port}`, cause })));
    server.listen(port, host, resolve);
  });
  return () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
}

async function ip(args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runProgram('ip', args);
  if (exitCode !== 0) throw unsupported(`ip ${args.join(' ')}: ${stderr}`);
}

// The mounts too: /proc/sys below belongs to the namespaces of who mounted it.
async function enter(first: string, command: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runProgram('nsenter', ['--target', first, '--net', '--mount', '--', ...command]);
  if (exitCode !== 0) throw unsupported(`${command.join(' ')}: ${stderr}`);
}

function unsupported(why: string): Failure {
  return new Failure({ code: 'LAB_CLUSTER_UNSUPPORTED', message: `a network for the cluster cannot be made: ${why.trim()}`, hint: 'It takes root with CAP_NET_ADMIN, and a kernel with veth and iptables. Or set KUBECONFIG to a cluster of your own.' });
}
