/** Copies the link under which others watch a match. */
import { useState } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { tell } from "../store.ts";
import { Dialog } from "../ui/dialog.tsx";
import { Eye } from "../ui/icons.tsx";

export function WatchLinkButton(props: { match: string }) {
  const [shown, setShown] = useState(false);
  const link = `${location.origin}/w/${props.match}`;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link);
      tell(t("watch.copied"), "good");
    } catch {
      setShown(true); // not over https, or not allowed: then it is shown to be copied by hand
    }
  };
  return (
    <>
      <button type="button" class="bar-button" onClick={() => void copy()}>
        <Eye /> <span class="bar-word">{t("watch.copy")}</span>
      </button>
      {shown && (
        <Dialog title={t("watch.copy")} text={t("watch.copyText")} onClose={() => setShown(false)}>
          <input class="copy-link" type="text" readOnly value={link} aria-label={t("watch.copy")} onFocus={(event) => event.currentTarget.select()} />
          <div class="row">
            <button type="button" class="button primary" onClick={() => setShown(false)}>{t("error.dismiss")}</button>
          </div>
        </Dialog>
      )}
    </>
  );
}
