// Server-sent events read with fetch: EventSource cannot send the token, and an
// address must not carry it.

// Refused is an answer that trying again will not change.
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// ask sends a request, with the token if there is one.
export async function ask(method, path, token, signal) {
  const headers = token ? { Authorization: "Bearer " + token } : {};
  const response = await fetch(path, { method, headers, signal, cache: "no-store", credentials: "omit", redirect: "error" });
  if (response.status === 401 || response.status === 403) {
    throw new Refused(response.status, await reason(response));
  }
  return response;
}

export async function reason(response) {
  const text = await response.text();
  try {
    return JSON.parse(text).error ?? text;
  } catch {
    return text || `status ${response.status}`;
  }
}

// follow calls on(event, data) for each event. It returns when the host ends the
// stream and throws when it breaks, or is silent for longer than it ever is.
export async function follow(path, token, signal, on) {
  const silence = new AbortController();
  const both = AbortSignal.any([signal, silence.signal]);
  let timer;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(new Error("Nothing has come for ten seconds.")), 10e3);
  };
  alive();
  try {
    const response = await ask("GET", path, token, both);
    if (!response.ok) throw new Error(await reason(response));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      alive();
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        const [event, data] = part.split("\n");
        on(event.slice("event: ".length), JSON.parse(data.slice("data: ".length)));
      }
    }
  } catch (e) {
    throw silence.signal.aborted ? silence.signal.reason : e;
  } finally {
    clearTimeout(timer);
  }
}
