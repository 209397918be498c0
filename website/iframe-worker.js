/* Browsers start no Worker from a file on the disk, and the search of the theme is one. Under file:// a frame that nobody
   sees does its work: same messages, same page, nothing loaded from elsewhere. The theme looks for the name IFrameWorker. */
if (location.protocol === "file:") {
  window.IFrameWorker = class IFrameWorker extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      this.inside = frame.contentWindow;
      addEventListener("message", (event) => {
        if (event.source === this.inside) this.dispatchEvent(new MessageEvent("message", { data: event.data }));
      });
      this.ready = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
      const page = this.inside.document;
      page.open();
      page.write(
        "<script>postMessage = (data) => parent.postMessage(data, '*');<\/script>" +
        `<script src="${new URL(url, location.href)}"><\/script>`
      );
      page.close();
    }
    postMessage(data) {
      this.ready.then(() => this.inside.dispatchEvent(new MessageEvent("message", { data })));
    }
  };
  window.Worker = window.IFrameWorker;
}
