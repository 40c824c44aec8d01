"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";

/** A change of settings: what shows them is read again when it is made. */
export function useSettingsChange<Variables, Answer>(change: (variables: Variables) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: change, onSuccess: () => client.invalidateQueries({ queryKey: ["settings"] }) });
}
