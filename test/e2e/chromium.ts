// SPDX-License-Identifier: Apache-2.0
// For e2e: a headless Chromium that opens one page, driven by its DevTools protocol over the WebSocket of Node.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

/** How the page is looked at. */
export interface View {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly media?: 'screen' | 'print';
  readonly scripting?: boolean;
}

/** One tab. Closing it ends the browser. */
export interface Page extends AsyncDisposable {
  /** Opens an address, waits until it is loaded, and forgets what was told before. */
  open(address: string, view?: View): Promise<void>;
  /** Value of an expression in the page; works without scripting too. */
  evaluate<T>(expression: string): Promise<T>;
  /** Types text into the element that has the focus. */
  type(text: string): Promise<void>;
  /** PNG of the whole page. */
  screenshot(): Promise<Buffer>;
  /** Everything that the page complained of: errors, violations of its security policy. */
  readonly complaints: readonly string[];
  /** Every address that was asked for. */
  readonly requests: readonly string[];
}

interface Told {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

const quiet = ['--headless', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--hide-scrollbars', '--remote-debugging-port=0'];

/** Starts the browser with a new, empty profile. */
export async function openPage(chromium: string): Promise<Page> {
  const profile = await mkdtemp(join(tmpdir(), 'chromium-'));
  // As root its sandbox does not start.
  const args = [...quiet, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), `--user-data-dir=${profile}`, 'about:blank'];
  const child = spawn(chromium, args, { stdio: 'ignore', detached: true, env: { PATH: process.env['PATH'], HOME: profile } });
  const socket = new WebSocket(await addressOf(profile));
  await once(socket, 'open');
  const close = async (): Promise<void> => {
    socket.close();
    await end(child);
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { ...await attach(openChannel(socket)), [Symbol.asyncDispose]: close };
}

async function addressOf(profile: string): Promise<string> {
  for (let tries = 0; tries < 300; tries += 1) {
    const text = await readFile(join(profile, 'DevToolsActivePort'), 'utf8').catch(() => '');
    const [port] = text.split('\n');
    if (port && text.includes('\n')) {
      const targets = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json() as { type: string; webSocketDebuggerUrl: string }[];
      const tab = targets.find(({ type }) => type === 'page');
      if (tab) return tab.webSocketDebuggerUrl;
    }
    await sleep(100);
  }
  throw new Error('Chromium did not open its DevTools port within 30 seconds');
}

interface Channel {
  readonly complaints: string[];
  readonly requests: string[];
  call(method: string, params?: object): Promise<Record<string, unknown>>;
  /** Resolves at the next load event. */
  nextLoad(): Promise<void>;
}

function openChannel(socket: WebSocket): Channel {
  const waiting = new Map<number, (told: Told) => void>();
  const complaints: string[] = [];
  const requests: string[] = [];
  let loaded = Promise.withResolvers<void>();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const told = JSON.parse(String(data)) as Told;
    const { id, method = '', params } = told;
    if (id !== undefined) waiting.get(id)?.(told);
    if (method === 'Page.loadEventFired') loaded.resolve();
    if (method === 'Network.requestWillBeSent') requests.push((params as { request: { url: string } }).request.url);
    if (['Runtime.exceptionThrown', 'Log.entryAdded', 'Runtime.consoleAPICalled'].includes(method)) complaints.push(JSON.stringify(params));
  });
  return {
    complaints, requests,
    nextLoad: () => (loaded = Promise.withResolvers()).promise,
    async call(method, params = {}) {
      const id = (last += 1);
      const reply = new Promise<Told>((resolve) => waiting.set(id, resolve));
      socket.send(JSON.stringify({ id, method, params }));
      const { result, error } = await reply;
      if (error) throw new Error(`${method}: ${error.message}`);
      return result ?? {};
    },
  };
}

async function attach({ call, nextLoad, complaints, requests }: Channel): Promise<Omit<Page, typeof Symbol.asyncDispose>> {
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await call(`${domain}.enable`);
  const navigate = async (url: string): Promise<void> => {
    const loaded = nextLoad();
    await call('Page.navigate', { url });
    await loaded;
  };
  return {
    complaints, requests,
    async open(address, { width = 1280, height = 900, scheme = 'light', media = 'screen', scripting = true } = {}) {
      await call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
      await call('Emulation.setEmulatedMedia', { media, features: [{ name: 'prefers-color-scheme', value: scheme }] });
      await call('Emulation.setScriptExecutionDisabled', { value: !scripting });
      // From here, because a change of the fragment alone would load nothing.
      await navigate('about:blank');
      complaints.length = 0;
      requests.length = 0;
      await navigate(address);
    },
    async evaluate<T>(expression: string): Promise<T> {
      const { result, exceptionDetails } = await call('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
      if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { value: T }).value;
    },
    type: async (text) => void await call('Input.insertText', { text }),
    screenshot: async () => Buffer.from(String((await call('Page.captureScreenshot', { captureBeyondViewport: true, format: 'png' }))['data']), 'base64'),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  // Its helpers are in its process group.
  process.kill(-child.pid, 'SIGKILL');
  await ended;
}
