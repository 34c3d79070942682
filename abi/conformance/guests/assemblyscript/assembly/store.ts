import { kv } from "wasmlane";
import { Script } from "./script";
import { showBytes, showCode, showFailure, showFlag, showNumber, showValue } from "./show";

export function storeCommand(script: Script): string {
  const name = script.name;
  if (!name.startsWith("kv_")) return "?";
  const key = script.bytes();
  if (script.bad) return "?";
  if (name == "kv_get") return showValue(kv.get(key));
  if (name == "kv_delete") return showFlag(kv.delete(key));
  if (name == "kv_keys") return keys(key);
  if (name == "kv_add") {
    const delta = script.number();
    return script.bad ? "?" : showNumber(kv.add(key, delta));
  }
  const value = script.bytes();
  if (script.bad) return "?";
  if (name == "kv_set") return showFailure(kv.set(key, value));
  if (name == "kv_create") return showFlag(kv.create(key, value));
  if (name == "kv_list") return showValue(kv.next(key, value));
  if (name == "kv_swap") {
    const next = script.bytes();
    return script.bad ? "?" : showFlag(kv.compareAndSwap(key, value, next));
  }
  return "?";
}

function keys(prefix: Uint8Array): string {
  const all: string[] = [];
  const keys = kv.list(prefix);
  while (keys.next()) all.push(showBytes(keys.keyBytes));
  const error = keys.error;
  if (error) return showCode(error.code);
  return all.length ? all.join(" ") : "none";
}
