export interface Element {
  name: string;
  attributes: Record<string, string>;
  children: Element[];
  text: string;
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** A strict reader of the XML that needs no DTD: throws at whatever is not well-formed. */
export function parseXml(xml: string): Element {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 forbids them
  const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u.exec(xml);
  if (forbidden) throw new Error(`forbidden character at ${forbidden.index}`);
  const root: Element = { name: "", attributes: {}, children: [], text: "" };
  const open = [root];
  const body = xml.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, "");
  for (const [token] of body.matchAll(/<[^>]*>|[^<]+|</g)) {
    const parent = open.at(-1) as Element;
    if (!token.startsWith("<")) {
      if (token.includes("]]>")) throw new Error("]]> in a text");
      parent.text += decode(token);
      continue;
    }
    const tag = /^<(\/?)(\w+)((?: \w+="[^"<&]*(?:&\w+;[^"<&]*)*")*)(\/?)>$/.exec(token);
    if (!tag) throw new Error(`not a tag: ${token}`);
    const [, closes, name = "", attributes = "", empty] = tag;
    if (closes) {
      if (open.pop()?.name !== name) throw new Error(`${name} is closed, but not open`);
      continue;
    }
    const element: Element = { name, attributes: {}, children: [], text: "" };
    for (const [, key = "", value = ""] of attributes.matchAll(/ (\w+)="([^"]*)"/g)) {
      element.attributes[key] = decode(value);
    }
    parent.children.push(element);
    if (!empty) open.push(element);
  }
  if (open.length !== 1 || root.children.length !== 1) throw new Error("not one element");
  return root.children[0] as Element;
}

function decode(text: string): string {
  if (/&(?!\w+;)/.test(text)) throw new Error(`a bare & in ${text}`);
  return text.replace(/&(\w+);/g, (all, name) => {
    const character = entities[name];
    if (!character) throw new Error(`unknown entity ${all}`);
    return character;
  });
}
