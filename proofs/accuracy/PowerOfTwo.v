(* Powers of two and rounding: multiplying by a power of two commutes with every rounding
   to a binary float format while nothing underflows or overflows, so a run that is mapped
   by powers of two only is an exact image of the other, however it is rounded, if its steps
   are expressions with a weight. Proved for such expressions in general, and for one LoRA
   layer with one input, output and rank; there alpha times a power of four, split evenly,
   shows no rounding. *)
From Coq Require Import ZArith Reals Lra Lia Psatz.
From Flocq Require Import Core.
Open Scope R_scope.

Notation pow2 := (bpow radix2).

Section Unbounded.
Variable prec : Z.
Context {prec_pos : Prec_gt_0 prec}.
Variable rnd : R -> Z.
Context {rnd_valid : Valid_rnd rnd}.

(* exponents without bounds, any precision, any direction of rounding *)
Theorem rounding_commutes e x :
  round radix2 (FLX_exp prec) rnd (pow2 e * x) = pow2 e * round radix2 (FLX_exp prec) rnd x.
Proof.
destruct (Req_dec x 0) as [->|x0].
  now rewrite Rmult_0_r, round_0, Rmult_0_r.
unfold round, scaled_mantissa, F2R, cexp, FLX_exp; simpl.
rewrite (Rmult_comm (pow2 e) x), mag_mult_bpow by assumption.
replace (x * pow2 e * pow2 (- (mag radix2 x + e - prec)))
   with (x * pow2 (- (mag radix2 x - prec))).
2:{ rewrite Rmult_assoc, <- bpow_plus; f_equal; f_equal; ring. }
replace (mag radix2 x + e - prec)%Z with (e + (mag radix2 x - prec))%Z by ring.
rewrite bpow_plus; ring.
Qed.
End Unbounded.

(* what a training step is made of; a constant has no weight, and a rounded elementary
   function may be applied where the argument has none *)
Inductive expr : Type :=
| Leaf (i : nat) | Const (c : R)
| Plus (a b : expr) | Minus (a b : expr) | Times (a b : expr) | Over (a b : expr)
| Fused (a b c : expr)
| Root (a : expr) | Opp (a : expr) | Abs (a : expr) | Sign (a : expr) | Max (a b : expr)
| Apply (f : R -> R) (a : expr).

Definition sign (x : R) : R := if Rlt_dec 0 x then 1 else if Rlt_dec x 0 then -1 else 0.

Definition bind {A B} (x : option A) (f : A -> option B) : option B :=
  match x with Some a => f a | None => None end.

(* every operation is followed by fl; None is an exception, and it spreads *)
Fixpoint eval (fl : R -> option R) (env : nat -> R) (ex : expr) : option R :=
  match ex with
  | Leaf i => Some (env i)
  | Const c => Some c
  | Plus a b => bind (eval fl env a) (fun x => bind (eval fl env b) (fun y => fl (x + y)))
  | Minus a b => bind (eval fl env a) (fun x => bind (eval fl env b) (fun y => fl (x - y)))
  | Times a b => bind (eval fl env a) (fun x => bind (eval fl env b) (fun y => fl (x * y)))
  | Over a b => bind (eval fl env a) (fun x => bind (eval fl env b) (fun y =>
      if Req_EM_T y 0 then None else fl (x / y)))
  | Fused a b c => bind (eval fl env a) (fun x => bind (eval fl env b) (fun y =>
      bind (eval fl env c) (fun z => fl (x * y + z))))
  | Root a => bind (eval fl env a) (fun x => if Rlt_dec x 0 then None else fl (sqrt x))
  | Opp a => bind (eval fl env a) (fun x => Some (- x))
  | Abs a => bind (eval fl env a) (fun x => Some (Rabs x))
  | Sign a => bind (eval fl env a) (fun x => Some (sign x))
  | Max a b => bind (eval fl env a) (fun x => bind (eval fl env b) (fun y => Some (Rmax x y)))
  | Apply f a => bind (eval fl env a) (fun x => fl (f x))
  end.

Section Weights.
(* leaf i is multiplied by 2^(weight i) *)
Variable weight : nat -> Z.

Inductive has_weight : expr -> Z -> Prop :=
| wLeaf i : has_weight (Leaf i) (weight i)
| wConst c : has_weight (Const c) 0
| wZero d : has_weight (Const 0) d
| wPlus a b d : has_weight a d -> has_weight b d -> has_weight (Plus a b) d
| wMinus a b d : has_weight a d -> has_weight b d -> has_weight (Minus a b) d
| wTimes a b d d' : has_weight a d -> has_weight b d' -> has_weight (Times a b) (d + d')
| wOver a b d d' : has_weight a d -> has_weight b d' -> has_weight (Over a b) (d - d')
| wFused a b c d d' : has_weight a d -> has_weight b d' -> has_weight c (d + d') ->
    has_weight (Fused a b c) (d + d')
| wRoot a d : has_weight a (2 * d) -> has_weight (Root a) d
| wOpp a d : has_weight a d -> has_weight (Opp a) d
| wAbs a d : has_weight a d -> has_weight (Abs a) d
| wSign a d : has_weight a d -> has_weight (Sign a) 0
| wMax a b d : has_weight a d -> has_weight b d -> has_weight (Max a b) d
| wApply f a : has_weight a 0 -> has_weight (Apply f a) 0.

(* a rounding that commutes with powers of two wherever neither side is an exception *)
Definition scales (fl : R -> option R) : Prop :=
  forall e x v v', fl x = Some v -> fl (pow2 e * x) = Some v' -> v' = pow2 e * v.

Lemma sqrt_pow2 d x : 0 <= x -> sqrt (pow2 (2 * d) * x) = pow2 d * sqrt x.
Proof.
intros Hx; rewrite sqrt_mult; [|apply bpow_ge_0|assumption]; f_equal.
replace (2 * d)%Z with (d + d)%Z by ring; rewrite bpow_plus; apply sqrt_square, bpow_ge_0.
Qed.

Lemma sign_pow2 d x : sign (pow2 d * x) = sign x.
Proof.
generalize (bpow_gt_0 radix2 d); intro.
unfold sign; repeat destruct Rlt_dec; try reflexivity; exfalso; nra.
Qed.

Ltac operands := repeat match goal with
 | H : bind ?x _ = Some _ |- _ =>
     let E := fresh "E" in destruct x eqn:E; simpl in H; [|discriminate]
 end.
Ltac no_exception := repeat match goal with
 | H : (if Req_EM_T ?p ?q then _ else _) = Some _ |- _ =>
     destruct (Req_EM_T p q); [discriminate|]
 | H : (if Rlt_dec ?p ?q then _ else _) = Some _ |- _ =>
     destruct (Rlt_dec p q); [discriminate|]
 end.

Theorem eval_scales fl : scales fl -> forall ex d env env', has_weight ex d ->
  (forall i, env' i = pow2 (weight i) * env i) -> forall v v',
  eval fl env ex = Some v -> eval fl env' ex = Some v' -> v' = pow2 d * v.
Proof.
intros Hfl ex d env env' H He; induction H; simpl; intros v v' HX HY; operands;
 repeat match goal with
 | IH : forall v v', Some _ = Some v -> Some ?u' = Some v' -> _ |- _ =>
    specialize (IH _ _ eq_refl eq_refl); subst u'
 end.
- injection HX; injection HY; intros; subst; apply He.
- injection HX; injection HY; intros; subst; simpl; ring.
- injection HX; injection HY; intros; subst; ring.
- rewrite <- Rmult_plus_distr_l in HY; eapply Hfl; eassumption.
- rewrite <- Rmult_minus_distr_l in HY; eapply Hfl; eassumption.
- eapply Hfl; [eassumption|]; rewrite <- HY; f_equal; rewrite bpow_plus; ring.
- no_exception; eapply Hfl; [exact HX|]; rewrite <- HY; f_equal.
  unfold Zminus; rewrite bpow_plus, bpow_opp; field; split; [assumption|].
  apply Rgt_not_eq, bpow_gt_0.
- eapply Hfl; [eassumption|]; rewrite <- HY; f_equal; rewrite !bpow_plus; ring.
- no_exception; eapply Hfl; [exact HX|]; rewrite <- HY; f_equal.
  rewrite sqrt_pow2; [reflexivity|lra].
- injection HX; injection HY; intros; subst; ring.
- injection HX; injection HY; intros; subst.
  rewrite Rabs_mult, (Rabs_pos_eq (pow2 _)); [reflexivity|apply bpow_ge_0].
- injection HX; injection HY; intros; subst; rewrite sign_pow2; simpl; ring.
- injection HX; injection HY; intros; subst; rewrite RmaxRmult; [reflexivity|apply bpow_ge_0].
- simpl in *; rewrite Rmult_1_l in *; congruence.
Qed.

(* whole runs, of T steps: at step t leaf i becomes the value of upd t i, an expression of the leaf's
   own weight; what is not trained is updated to itself *)
Theorem run_scales fl upd (env env' : nat -> nat -> R) T : scales fl ->
  (forall t i, has_weight (upd t i) (weight i)) ->
  (forall t i, (t < T)%nat -> eval fl (env t) (upd t i) = Some (env (S t) i)) ->
  (forall t i, (t < T)%nat -> eval fl (env' t) (upd t i) = Some (env' (S t) i)) ->
  (forall i, env' 0%nat i = pow2 (weight i) * env 0%nat i) ->
  forall t i, (t <= T)%nat -> env' t i = pow2 (weight i) * env t i.
Proof.
intros Hfl Hw Hs Hs' H0 t; induction t; intros i le; [apply H0|].
apply (eval_scales fl Hfl (upd t i) (weight i) (env t) (env' t)); auto with arith.
Qed.
End Weights.

Section Formats.
Variable prec : Z.
Context {prec_pos : Prec_gt_0 prec}.
Variable rnd : R -> Z.
Context {rnd_valid : Valid_rnd rnd}.
Variables emin emax : Z.

(* bounded exponents: a result below the normal range or beyond the largest power is an
   exception, so that a run without exceptions met neither underflow nor overflow *)
Definition fl_bounded (x : R) : option R :=
  let v := round radix2 (FLT_exp emin prec) rnd x in
  if Req_EM_T x 0 then Some 0
  else if Rlt_dec (Rabs x) (pow2 (emin + prec - 1)) then None
  else if Rlt_dec (Rabs v) (pow2 emax) then Some v else None.

Theorem bounded_scales : scales fl_bounded.
Proof.
intros e x v v'; unfold fl_bounded; assert (P := bpow_gt_0 radix2 e).
destruct (Req_EM_T x 0) as [->|x0].
  destruct Req_EM_T as [Z|N]; [|elim N; ring].
  intros H H'; injection H; injection H'; intros; subst; ring.
destruct (Rlt_dec (Rabs x)) as [|U]; [discriminate|].
destruct (Rlt_dec _ (pow2 emax)) as [O|]; [|discriminate].
destruct Req_EM_T as [Z|N]; [exfalso; apply x0; nra|].
destruct (Rlt_dec (Rabs (_ * _))) as [|U']; [discriminate|].
destruct (Rlt_dec _ (pow2 emax)) as [O'|]; [|discriminate].
intros H H'; injection H; injection H'; intros; subst.
rewrite !round_FLT_FLX by lra; now apply rounding_commutes.
Qed.
End Formats.

(* LoRA with one input, one output and rank 1, trained by plain gradient descent on one
   example that stays the same, at constant rates, each operation in the order written here.
   Larger layers are expressions of the same kind, one leaf for each number; that their
   steps have the weights which run_scales asks for is not shown here. *)
Section Layer.
(* A -> 2^i A, B -> 2^j B, s -> s / 2^(i+j), rates times 4^i and 4^j *)
Variables i j : Z.
(* leaves: 0 s, 1 A, 2 B, 3 the frozen weight, 4 input, 5 and 6 the rates, 7 target *)
Definition lora_weight (l : nat) : Z :=
  match l with
  | 0%nat => - i - j | 1%nat => i | 2%nat => j
  | 5%nat => 2 * i | 6%nat => 2 * j | _ => 0
  end%Z.

Definition output := Plus (Times (Leaf 3) (Leaf 4)) (Times (Times (Leaf 2) (Times (Leaf 1) (Leaf 4))) (Leaf 0)).
(* phi is the derivative of the loss, rounded; the sign for an absolute error *)
Definition residual (phi : R -> R) := Apply phi (Minus output (Leaf 7)).
Definition next_A phi := Minus (Leaf 1)
  (Times (Leaf 5) (Times (Times (Leaf 2) (Times (residual phi) (Leaf 0))) (Leaf 4))).
Definition next_B phi := Minus (Leaf 2)
  (Times (Leaf 6) (Times (Times (residual phi) (Leaf 0)) (Times (Leaf 1) (Leaf 4)))).
Definition lora_update phi (t l : nat) :=
  match l with 1 => next_A phi | 2 => next_B phi | l => Leaf l end%nat.

Lemma weight_eq w ex d d' : has_weight w ex d -> d = d' -> has_weight w ex d'.
Proof. now intros H <-. Qed.
Ltac leaf := match goal with |- has_weight _ (Leaf ?l) _ => exact (wLeaf lora_weight l) end.

Lemma output_weight : has_weight lora_weight output 0.
Proof.
apply wPlus; (eapply weight_eq; [repeat apply wTimes; leaf|]); cbv [lora_weight]; ring.
Qed.
Lemma residual_weight phi : has_weight lora_weight (residual phi) 0.
Proof. apply wApply, wMinus; [exact output_weight|leaf]. Qed.
Lemma update_weight phi t l : has_weight lora_weight (lora_update phi t l) (lora_weight l).
Proof.
destruct l as [|[|[|l]]];
  [exact (wLeaf lora_weight 0)| | |exact (wLeaf lora_weight (S (S (S l))))]; simpl lora_update.
- apply wMinus; [leaf|].
  eapply weight_eq; [repeat apply wTimes; [leaf|leaf|apply residual_weight|leaf|leaf]|].
  cbv [lora_weight]; ring.
- apply wMinus; [leaf|].
  eapply weight_eq; [repeat apply wTimes; [leaf|apply residual_weight|leaf|leaf|leaf]|].
  cbv [lora_weight]; ring.
Qed.

(* both runs free of exceptions for T steps: factors are exact images, computed outputs are
   equal *)
Theorem lora_bit_exact prec emin emax rnd phi (env env' : nat -> nat -> R) T
  (prec_pos : Prec_gt_0 prec) (rnd_valid : Valid_rnd rnd) :
  let fl := fl_bounded prec rnd emin emax in
  (forall t l, (t < T)%nat -> eval fl (env t) (lora_update phi t l) = Some (env (S t) l)) ->
  (forall t l, (t < T)%nat -> eval fl (env' t) (lora_update phi t l) = Some (env' (S t) l)) ->
  (forall l, env' 0%nat l = pow2 (lora_weight l) * env 0%nat l) ->
  forall t, (t <= T)%nat -> env' t 1%nat = pow2 i * env t 1%nat /\ env' t 2%nat = pow2 j * env t 2%nat /\
  forall y y', eval fl (env t) output = Some y -> eval fl (env' t) output = Some y' -> y' = y.
Proof.
intros fl H H' H0 t le.
assert (S : scales fl) by (apply bounded_scales; assumption).
assert (image : forall l, env' t l = pow2 (lora_weight l) * env t l).
{ intro l; apply (run_scales lora_weight fl (lora_update phi) env env' T);
    auto using update_weight. }
split; [|split]; [exact (image 1%nat)|exact (image 2%nat)|].
intros y y' E E'.
rewrite (eval_scales lora_weight fl S output 0 (env t) (env' t) output_weight image y y' E E').
simpl; ring.
Qed.
End Layer.

(* the even split of k = 4^a: alpha times 2^a 2^a, A and B over 2^a, rates over 2^a 2^a, all
   else as it was. If neither run meets an exception in T steps, then their factors differ by 2^a exactly
   and their computed outputs not at all, so that comparing them never shows rounding. *)
Theorem power_of_four_never_rounds (a : Z) prec emin emax rnd phi (env env' : nat -> nat -> R) T
  (prec_pos : Prec_gt_0 prec) (rnd_valid : Valid_rnd rnd) :
  let fl := fl_bounded prec rnd emin emax in
  (forall t l, (t < T)%nat -> eval fl (env t) (lora_update phi t l) = Some (env (S t) l)) ->
  (forall t l, (t < T)%nat -> eval fl (env' t) (lora_update phi t l) = Some (env' (S t) l)) ->
  env' 0%nat 0%nat = pow2 a * pow2 a * env 0%nat 0%nat ->
  env' 0%nat 1%nat = env 0%nat 1%nat / pow2 a -> env' 0%nat 2%nat = env 0%nat 2%nat / pow2 a ->
  env' 0%nat 5%nat = env 0%nat 5%nat / (pow2 a * pow2 a) ->
  env' 0%nat 6%nat = env 0%nat 6%nat / (pow2 a * pow2 a) ->
  (forall l, (l = 3 \/ l = 4 \/ l >= 7)%nat -> env' 0%nat l = env 0%nat l) ->
  forall t, (t <= T)%nat -> env' t 1%nat = env t 1%nat / pow2 a /\ env' t 2%nat = env t 2%nat / pow2 a /\
  forall y y', eval fl (env t) output = Some y -> eval fl (env' t) output = Some y' -> y' = y.
Proof.
intros fl H H' Hs HA HB HetaA HetaB Hrest t le.
assert (inv : pow2 (- a) = / pow2 a) by apply bpow_opp.
assert (square : pow2 (2 * - a) = / (pow2 a * pow2 a)).
{ rewrite <- bpow_plus, <- bpow_opp; f_equal; ring. }
assert (alpha : pow2 (- - a - - a) = pow2 a * pow2 a).
{ rewrite <- bpow_plus; f_equal; ring. }
assert (start : forall l, env' 0%nat l = pow2 (lora_weight (- a) (- a) l) * env 0%nat l).
{ intro l.
  destruct l as [|[|[|[|[|[|[|l]]]]]]]; cbv [lora_weight]; rewrite ?inv, ?square, ?alpha.
  - exact Hs.
  - rewrite HA; unfold Rdiv; ring.
  - rewrite HB; unfold Rdiv; ring.
  - rewrite Hrest by lia; simpl; ring.
  - rewrite Hrest by lia; simpl; ring.
  - rewrite HetaA; unfold Rdiv; ring.
  - rewrite HetaB; unfold Rdiv; ring.
  - rewrite Hrest by lia; simpl; ring. }
destruct (lora_bit_exact (- a) (- a) prec emin emax rnd phi env env' T prec_pos rnd_valid
            H H' start t le) as [A [B out]].
rewrite inv in A, B; split; [|split]; [| |exact out].
- rewrite A; unfold Rdiv; ring.
- rewrite B; unfold Rdiv; ring.
Qed.
